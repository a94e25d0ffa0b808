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
	)
	flag.Parse()
	done, size, err := audit(*place, *vkey, *token, *seen, *grown, *receipts, *samples)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tlogcheck:", err)
		os.Exit(1)
	}
	fmt.Printf("ok: size %d, tiles %d, entries %d, included %d, receipts %d, consistent %d\n",
		size, done.tiles, done.entries, done.included, done.receipts, done.consistent)
}

func audit(place, vkey, token, seen, grown, receipts string, samples int64) (tally, int64, error) {
	var done tally
	src, err := open(place, token)
	if err != nil {
		return done, 0, err
	}
	log, err := openLog(src, vkey)
	if err != nil {
		return done, 0, err
	}
	steps := []func(*tally) error{
		log.checkTiles,
		log.checkEntries,
		log.nothingBeyond,
		func(t *tally) error { return log.proveInclusion(t, samples) },
		func(t *tally) error { return log.checkContinues(t, seen, grown) },
		func(t *tally) error { return log.checkReceipts(t, receipts) },
	}
	for _, step := range steps {
		if err := step(&done); err != nil {
			return done, log.tree.N, err
		}
	}
	return done, log.tree.N, nil
}
