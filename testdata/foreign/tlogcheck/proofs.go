package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// proveInclusion makes proofs of sampled entries out of the tiles, and checks them.
func (l *log) proveInclusion(done *tally, samples int64) error {
	step := l.tree.N/samples + 1
	for index := int64(0); index < l.tree.N; index += step {
		proof, err := tlog.ProveRecord(l.tree.N, index, l.hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, l.tree.N, l.tree.Hash, index, l.leaves[index]); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
		done.included++
	}
	return nil
}

// checkContinues checks that the log continues a checkpoint seen before: by a proof made out of
// the tiles, and by the one of the log's own.
func (l *log) checkContinues(done *tally, seen, grown string) error {
	if seen == "" {
		return nil
	}
	text, err := os.ReadFile(seen)
	if err != nil {
		return err
	}
	old, err := openCheckpoint(text, l.vkey)
	if err != nil {
		return err
	}
	if old.N > l.tree.N {
		return fmt.Errorf("the log had %d entries and has %d", old.N, l.tree.N)
	}
	if old.N == 0 {
		// Every log continues the empty one, and there is nothing to prove.
		return nil
	}
	proof, err := tlog.ProveTree(l.tree.N, old.N, l.hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, l.tree.N, l.tree.Hash, old.N, old.Hash); err != nil {
		return fmt.Errorf("from %d to %d entries: %w", old.N, l.tree.N, err)
	}
	done.consistent++
	if grown == "" {
		return nil
	}
	bytes, err := os.ReadFile(grown)
	if err != nil {
		return err
	}
	hashes, err := parseHashes(strings.Fields(string(bytes)))
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(hashes, l.tree.N, l.tree.Hash, old.N, old.Hash); err != nil {
		return fmt.Errorf("the log's own proof from %d to %d entries: %w", old.N, l.tree.N, err)
	}
	done.consistent++
	return nil
}

func parseHashes(lines []string) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

// checkReceipts checks every tlog-proof of a folder against the entry beside it.
func (l *log) checkReceipts(done *tally, dir string) error {
	if dir == "" {
		return nil
	}
	receipts, err := filepath.Glob(filepath.Join(dir, "*.tlog-proof"))
	if err != nil {
		return err
	}
	for _, receipt := range receipts {
		entry, err := os.ReadFile(strings.TrimSuffix(receipt, ".tlog-proof") + ".entry")
		if err != nil {
			return err
		}
		text, err := os.ReadFile(receipt)
		if err != nil {
			return err
		}
		if err := checkReceipt(string(text), entry, l.vkey); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(receipt), err)
		}
		done.receipts++
	}
	return nil
}

// checkReceipt reads a c2sp.org/tlog-proof@v1 and checks it against its own checkpoint.
func checkReceipt(text string, entry []byte, vkey string) error {
	head, checkpoint, found := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("it is no tlog-proof")
	}
	const label = "index "
	if !strings.HasPrefix(lines[1], label) {
		return errors.New("it has no index")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], label), 10, 64)
	if err != nil {
		return err
	}
	proof, err := parseHashes(lines[2:])
	if err != nil {
		return err
	}
	tree, err := openCheckpoint([]byte(checkpoint), vkey)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}
