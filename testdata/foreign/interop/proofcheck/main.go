// Proofcheck judges an entry, its tlog-proof and a tlog-policy with torchwood: nothing of
// breakglass takes part in the verdict. It ends with 0, or with 1 and what is wrong.
package main

import (
	"flag"
	"fmt"
	"os"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	var (
		policy = flag.String("policy", "", "the policy `file`")
		entry  = flag.String("entry", "", "a `file` with the bytes of the entry")
		proof  = flag.String("proof", "", "a `file` with its tlog-proof")
	)
	flag.Parse()
	if err := check(*policy, *entry, *proof); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ok")
}

func check(policyFile, entryFile, proofFile string) error {
	lines, err := os.ReadFile(policyFile)
	if err != nil {
		return err
	}
	policy, err := torchwood.ParsePolicy(lines)
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(entryFile)
	if err != nil {
		return err
	}
	proof, err := os.ReadFile(proofFile)
	if err != nil {
		return err
	}
	return torchwood.VerifyProof(policy, tlog.RecordHash(entry), proof)
}
