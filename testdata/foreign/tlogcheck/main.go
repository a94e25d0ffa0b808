// Tlogcheck audits a breakglass log with the Go authors' implementation of transparency logs,
// golang.org/x/mod/sumdb: nothing of breakglass takes part in the verdict.
//
// It opens the checkpoint, reads every tile (each authenticated against the signed root), hashes
// every entry of every bundle, makes and checks proofs of its own out of the tiles, and checks the
// proofs that breakglass made. It ends with 0 and one line, or with 1 and what is wrong.
package main

import (
	"flag"
	"fmt"
	"os"
)

// tally counts what was looked at.
type tally struct {
	tiles, entries, included, receipts, consistent int
}

func main() {
	var (
		place    = flag.String("log", "", "the `folder` or URL under which checkpoint and tile/ are")
		vkey     = flag.String("vkey", "", "the log's verifier key")
		token    = flag.String("token", "", "the reading session for a URL")
		seen     = flag.String("old", "", "a checkpoint `file` that the log must continue")
		grown    = flag.String("consistency", "", "with -old: the log's own proof, a `file` of base64 hashes")
		receipts = flag.String("receipts", "", "a `folder` of N.entry and N.tlog-proof files to check")
		samples  = flag.Int64("samples", 64, "entries whose inclusion is proven out of the tiles")
		growing  = flag.Bool("growing", false, "do not look beyond the checkpoint: the log grows meanwhile")
	)
	flag.Parse()
	log, err := begin(*place, *token, *vkey)
	if err != nil {
		fail(err)
	}
	var done tally
	steps := []func(*tally) error{
		log.checkTiles,
		log.checkEntries,
		func(*tally) error { return log.nothingBeyond(*growing) },
		func(t *tally) error { return log.proveInclusion(t, *samples) },
		func(t *tally) error { return log.checkContinues(t, *seen, *grown) },
		func(t *tally) error { return log.checkReceipts(t, *receipts) },
	}
	for _, step := range steps {
		if err := step(&done); err != nil {
			fail(err)
		}
	}
	fmt.Printf("ok: size %d, tiles %d, entries %d, included %d, receipts %d, consistent %d\n",
		log.tree.N, done.tiles, done.entries, done.included, done.receipts, done.consistent)
}

func begin(place, token, vkey string) (*log, error) {
	src, err := open(place, token)
	if err != nil {
		return nil, err
	}
	return openLog(src, vkey)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "tlogcheck:", err)
	os.Exit(1)
}
