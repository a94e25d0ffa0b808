// Tesseralog is somebody else's log that asks a witness of ours: Tessera keeps the log, builds the
// proofs and speaks to the witness, and torchwood judges the checkpoint that comes of it. Nothing
// of breakglass takes part. It ends with 0 and the cosigned checkpoint on standard output, or with
// 1 and what is wrong.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"filippo.io/torchwood"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

// Tessera takes no shorter interval on a file system.
const interval = 100 * time.Millisecond

func main() {
	var (
		dir     = flag.String("dir", "", "the `folder` of the log, which goes on where it was")
		key     = flag.String("key", "", "a `file` with the log's signing key")
		policy  = flag.String("policy", "", "the policy `file`: the log, its witnesses with their URLs, the quorum")
		text    = flag.String("entry", "", "what the new entries begin with")
		entries = flag.Int("entries", 1, "how many new entries")
		patient = flag.Duration("patient", time.Minute, "how long to wait until they are published")
	)
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), *patient)
	defer cancel()
	checkpoint, err := grow(ctx, *dir, *key, *policy, *text, *entries)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.Write(checkpoint)
}

// grow adds entries, none as well, and gives the checkpoint that was published over them.
func grow(ctx context.Context, dir, keyFile, policyFile, text string, entries int) ([]byte, error) {
	policy, err := os.ReadFile(policyFile)
	if err != nil {
		return nil, err
	}
	options, err := asWitnessed(keyFile, policy)
	if err != nil {
		return nil, err
	}
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		return nil, err
	}
	log, _, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return nil, err
	}
	published := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, interval)
	var futures []tessera.IndexFuture
	for n := range entries {
		entry := tessera.NewEntry(fmt.Appendf(nil, "%s %d", text, n))
		futures = append(futures, log.Add(ctx, entry))
	}
	for _, future := range futures {
		if _, _, err := published.Await(ctx, future); err != nil {
			return nil, fmt.Errorf("not published: %w", err)
		}
	}
	checkpoint, err := reader.ReadCheckpoint(ctx)
	if err != nil {
		return nil, err
	}
	return checkpoint, judge(checkpoint, policy)
}

// asWitnessed publishes nothing that the witnesses of the policy have not cosigned.
func asWitnessed(keyFile string, policy []byte) (*tessera.AppendOptions, error) {
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(key)))
	if err != nil {
		return nil, err
	}
	witnesses, err := tessera.NewWitnessGroupFromPolicy(policy)
	if err != nil {
		return nil, err
	}
	strict := &tessera.WitnessOptions{Timeout: 30 * time.Second, FailOpen: false}
	return tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCheckpointInterval(interval).
		WithBatching(256, interval).
		WithWitnesses(witnesses, strict), nil
}

// judge has another implementation verify the cosignatures.
func judge(checkpoint, policy []byte) error {
	enough, err := torchwood.ParsePolicy(policy)
	if err != nil {
		return err
	}
	_, _, err = torchwood.VerifyCheckpoint(checkpoint, enough)
	return err
}
