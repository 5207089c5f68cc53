package model

import (
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/allclear-hq/allclear/internal/store"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// files hands out databases without anything in them. They are copies of one:
// most of the time of a short story would otherwise go into making its tables.
func files(t *testing.T) func() (url string, done func(), err error) {
	t.Helper()
	dir := memory(t)
	made := filepath.Join(dir, "made.db")
	open(t, "sqlite:"+made)
	empty, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	return func() (string, func(), error) {
		file := filepath.Join(dir, fmt.Sprintf("%d.db", n.Add(1)))
		done := func() {
			for _, suffix := range []string{"", "-wal", "-shm", "-lock"} {
				os.Remove(file + suffix)
			}
		}
		return "sqlite:" + file, done, os.WriteFile(file, empty, 0o600)
	}
}

// memory is a folder in memory where the system has one: a power cut is not
// what is tried here, and waiting for a disk would take most of the time.
func memory(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("/dev/shm", "allclear-model-"+rand.Text())
	if err := os.Mkdir(dir, 0o700); err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// open opens a store once, which makes its tables.
func open(t *testing.T, url string) {
	t.Helper()
	db, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// schemas hands out schemas without anything in them, each to one at a time.
// PostgreSQL is outside the bubble of a script, whose time stands still while
// an answer from there is awaited.
func schemas(t *testing.T) func() (url string, done func(), err error) {
	t.Helper()
	storetest.Postgres(t) // or there is none
	free := make(chan *schema, 64)
	return func() (string, func(), error) {
		var s *schema
		select {
		case s = <-free:
		default:
			s = newSchema(t)
		}
		return s.url, func() { free <- s }, storetest.Empty(t.Context(), s.db)
	}
}

// schema is one in a PostgreSQL, with a connection that empties it.
type schema struct {
	url string
	db  *sql.DB
}

func newSchema(t *testing.T) *schema {
	t.Helper()
	s := &schema{url: storetest.Postgres(t)}
	open(t, s.url)
	var err error
	if s.db, err = sql.Open("pgx", s.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.db.Close() })
	return s
}
