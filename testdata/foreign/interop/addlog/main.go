// Addlog tells a litewitness which log to cosign: it does to the witness's database what
// `witnessctl add-log` and `witnessctl add-key` do, and nothing else. That program is of the same
// module, and not used because it also wants a module that not every proxy serves.
package main

import (
	"flag"
	"log"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

func main() {
	var (
		db   = flag.String("db", "", "the database `file` that a litewitness has made")
		vkey = flag.String("key", "", "the log's verifier key; its name is the origin")
	)
	flag.Parse()
	if err := add(*db, *vkey); err != nil {
		log.Fatal(err)
	}
}

func add(path, vkey string) error {
	key, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	db, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	defer db.Close()
	empty, err := tlog.TreeHash(0, nil)
	if err != nil {
		return err
	}
	known := "INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)"
	if err := execute(db, known, key.Name(), empty.String()); err != nil {
		return err
	}
	return execute(db, "INSERT INTO key (origin, key) VALUES (?, ?)", key.Name(), vkey)
}

func execute(db *sqlite.Conn, statement string, values ...any) error {
	return sqlitex.Execute(db, statement, &sqlitex.ExecOptions{Args: values})
}
