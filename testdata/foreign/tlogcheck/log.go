package main

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// height is the number of tree levels of a tile: 256 hashes.
const height = 8

// width is the number of hashes of a full tile, and of entries of a full bundle.
const width = 1 << height

// log is a log under a checkpoint whose signature was verified.
type log struct {
	src    source
	vkey   string
	tree   tlog.Tree
	hashes tlog.HashReader
	leaves []tlog.Hash
}

func openLog(src source, vkey string) (*log, error) {
	text, err := src.read("checkpoint")
	if err != nil {
		return nil, err
	}
	tree, err := openCheckpoint(text, vkey)
	if err != nil {
		return nil, err
	}
	return &log{src: src, vkey: vkey, tree: tree, hashes: tlog.TileHashReader(tree, tiles{src})}, nil
}

// openCheckpoint verifies a checkpoint and reads its three lines.
func openCheckpoint(text []byte, vkey string) (tlog.Tree, error) {
	var tree tlog.Tree
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tree, fmt.Errorf("the checkpoint: %w", err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tree, fmt.Errorf("the checkpoint is not three lines of %s: %q", verifier.Name(), opened.Text)
	}
	tree.N, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(tree.N, 10) != lines[1] || tree.N < 0 {
		return tree, fmt.Errorf("the size of the checkpoint: %q", lines[1])
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	if err == nil && tree.N == 0 && tree.Hash != sha256.Sum256(nil) {
		err = errors.New("an empty log has the root of no leaves")
	}
	return tree, err
}

// tiles reads tiles for the Go implementation, which authenticates them.
type tiles struct{ src source }

func (t tiles) Height() int { return height }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range wanted {
		bytes, err := t.src.read(tilePath(tile))
		if err != nil {
			return nil, err
		}
		if len(bytes) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", tilePath(tile), len(bytes))
		}
		read = append(read, bytes)
	}
	return read, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// tilePath spells a tile as tlog-tiles does: as sumdb does, without the height.
func tilePath(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
}

// entriesPath spells a bundle: as the tile of its leaf hashes, with another word for the level.
func entriesPath(n int64, w int) string {
	leaves := tlog.Tile{H: height, L: 0, N: n, W: w}
	return strings.Replace(tilePath(leaves), "tile/0/", "tile/entries/", 1)
}

// layer gives the tiles of a level of the tree: full ones, and the rest.
func (l *log) layer(level int) []tlog.Tile {
	var all []tlog.Tile
	count := l.tree.N >> (height * uint(level))
	for n := int64(0); n*width < count; n++ {
		w := count - n*width
		if w > width {
			w = width
		}
		all = append(all, tlog.Tile{H: height, L: level, N: n, W: int(w)})
	}
	return all
}

// checkTiles reads every hash of every tile through the reader that authenticates them.
func (l *log) checkTiles(done *tally) error {
	if l.tree.N == 0 {
		return nil
	}
	root, err := tlog.TreeHash(l.tree.N, l.hashes)
	if err != nil {
		return err
	}
	if root != l.tree.Hash {
		return errors.New("the tiles have another root than the checkpoint")
	}
	for level := 0; l.tree.N>>(height*uint(level)) > 0; level++ {
		for _, tile := range l.layer(level) {
			hashes, err := l.authenticated(tile)
			if err != nil {
				return fmt.Errorf("%s: %w", tilePath(tile), err)
			}
			if level == 0 {
				l.leaves = append(l.leaves, hashes...)
			}
			done.tiles++
		}
	}
	return nil
}

// authenticated reads the hashes of a tile and compares them with its bytes.
func (l *log) authenticated(tile tlog.Tile) ([]tlog.Hash, error) {
	var indexes []int64
	for i := 0; i < tile.W; i++ {
		indexes = append(indexes, tlog.StoredHashIndex(height*tile.L, tile.N*width+int64(i)))
	}
	hashes, err := l.hashes.ReadHashes(indexes)
	if err != nil {
		return nil, err
	}
	bytes, err := l.src.read(tilePath(tile))
	if err != nil {
		return nil, err
	}
	for i, hash := range hashes {
		if string(hash[:]) != string(bytes[i*tlog.HashSize:(i+1)*tlog.HashSize]) {
			return nil, fmt.Errorf("hash %d is not the one in the tree", i)
		}
	}
	return hashes, nil
}

// checkEntries hashes every entry of every bundle.
func (l *log) checkEntries(done *tally) error {
	for _, tile := range l.layer(0) {
		path := entriesPath(tile.N, tile.W)
		bundle, err := l.src.read(path)
		if err != nil {
			return err
		}
		for i := 0; i < tile.W; i++ {
			if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
				return fmt.Errorf("%s ends within entry %d", path, i)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			index := tile.N*width + int64(i)
			if tlog.RecordHash(bundle[2:end]) != l.leaves[index] {
				return fmt.Errorf("%s: entry %d is not the one in the tree", path, index)
			}
			bundle = bundle[end:]
			done.entries++
		}
		if len(bundle) > 0 {
			return fmt.Errorf("%s: %d bytes follow the last entry", path, len(bundle))
		}
	}
	return nil
}

// nothingBeyond finds tiles and bundles that the tree of the checkpoint does not have.
func (l *log) nothingBeyond(growing bool) error {
	if growing {
		return nil
	}
	belongs := map[string]bool{}
	for level := 0; l.tree.N>>(height*uint(level)) > 0; level++ {
		for _, tile := range l.layer(level) {
			belongs[tilePath(tile)] = true
			if level == 0 {
				belongs[entriesPath(tile.N, tile.W)] = true
			}
		}
	}
	files, known, err := l.src.list()
	if err != nil {
		return err
	}
	if !known {
		return l.refused()
	}
	for _, file := range files {
		if !belongs[file] {
			return fmt.Errorf("%s is no file of a log of %d entries", file, l.tree.N)
		}
	}
	return nil
}

// refused asks a server for what lies just beyond the checkpoint.
func (l *log) refused() error {
	n, w := l.tree.N/width, int(l.tree.N%width)+1
	var beyond []string
	if w < width {
		beyond = append(beyond, tilePath(tlog.Tile{H: height, N: n, W: w}), entriesPath(n, w))
	}
	beyond = append(beyond, tilePath(tlog.Tile{H: height, N: n, W: width}), entriesPath(n, width),
		tilePath(tlog.Tile{H: height, N: n + 1, W: 1}), entriesPath(n+1, 1),
		tilePath(tlog.Tile{H: height, L: 7, W: 1}))
	for _, path := range beyond {
		if _, err := l.src.read(path); !errors.Is(err, missing) {
			return fmt.Errorf("%s lies beyond a log of %d entries, and gives: %v", path, l.tree.N, err)
		}
	}
	return nil
}
