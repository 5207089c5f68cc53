package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// history fills a store with something in most tables.
func history(t *testing.T, s *Store) {
	t.Helper()
	l, lease := aLane(t, s)
	id, err := s.begin(t.Context(), lease, l)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sent(t.Context(), lease, l, id); err != nil {
		t.Fatal(err)
	}
	_, err = s.Change(t.Context(), "the key \U0001F511", func(tx desk.Tx) ([]byte, error) {
		if err := tx.AddDraft(&desk.Draft{State: "open", Author: "Ana"}); err != nil {
			return nil, err
		}
		return []byte(`{"answer": "登录"}`), errors.Join(tx.Freeze("channel:x", "why", "Ana", noon), tx.Write(aLetter("tg")))
	})
	if err != nil {
		t.Fatal(err)
	}
	for k := range 250 { // more than one statement brings
		s.mustChange(t, func(tx desk.Tx) error {
			return tx.Audit(desk.Record{At: noon, Actor: "Ana", Verb: "open", Detail: fmt.Sprint("line ", k)})
		})
	}
	subscribe := func(chats []int64, keep bool) {
		err := s.ChangeSubscribers(t.Context(), "tg", "", chats, func(was people.Subscriber) *people.Subscriber {
			if !keep {
				return nil
			}
			was.Language = "en"
			return &was
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	subscribe([]int64{11, -1001234567890, 13}, true)
	subscribe([]int64{13}, false) // whose id is never given again
	if err := s.SetCard(t.Context(), "INC-1", "tg", "-100", "7", "said"); err != nil {
		t.Fatal(err)
	}
}

// dump has every row of every table, as text.
func dump(t *testing.T, s *Store) map[string][]string {
	t.Helper()
	tables, err := tableNames()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, table := range tables {
		rows, err := s.read.QueryContext(t.Context(), `SELECT * FROM `+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		err = each(rows, err, func() error {
			row := make([]any, len(columns))
			for k := range row {
				row[k] = new(any)
			}
			if err := rows.Scan(row...); err != nil {
				return err
			}
			var line strings.Builder
			for k, v := range row {
				v := *v.(*any)
				if b, ok := v.([]byte); ok {
					v = string(b)
				}
				fmt.Fprintf(&line, "%s=%v ", columns[k], v)
			}
			if table != "lease" && !strings.HasPrefix(line.String(), "name="+placeSetting+" ") {
				out[table] = append(out[table], line.String())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(out[table])
	}
	return out
}

func silent(int64, int64, string) {}

func mustCopy(t *testing.T, from, to *Store) {
	t.Helper()
	steps := 0
	last := int64(0)
	n, err := Copy(t.Context(), from, to, func(done, all int64, table string) {
		if done <= last || done > all || table == "" {
			t.Errorf("progress %d of %d in %q after %d", done, all, table, last)
		}
		last = done
		steps++
	})
	if err != nil || n != last || steps < 5 {
		t.Fatalf("%d rows copied in %d steps: %v", n, steps, err)
	}
	if diff := cmp.Diff(dump(t, from), dump(t, to)); diff != "" {
		t.Errorf("the copy differs (-from +to):\n%s", diff)
	}
}

// goesOn checks that a copy gives no id twice.
func goesOn(t *testing.T, s *Store) {
	t.Helper()
	i := anIncident()
	s.mustChange(t, func(tx desk.Tx) error {
		if err := tx.Create(i); err != nil {
			return err
		}
		return tx.Deliver(i.Ref, xChannel, anEntry(1))
	})
	if i.Ref.Number != 2 {
		t.Errorf("the next incident is %s", i.Ref)
	}
	err := s.ChangeSubscribers(t.Context(), "tg", "", []int64{14}, func(was people.Subscriber) *people.Subscriber { was.Language = "en"; return &was })
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.Subscribers(t.Context(), "tg", 0, 100)
	if err != nil || len(all) != 3 || all[2].ID <= 3 {
		t.Errorf("the new subscriber has an id that was given before: %+v, %v", all, err)
	}
	if bad := s.brokenLine(t); bad != 0 {
		t.Errorf("line %d of the audit is broken", bad)
	}
}

func TestCopyThereAndBack(t *testing.T) {
	database := storetest.Postgres(t)
	from := mustOpen(t, filepath.Join(t.TempDir(), "from.db"))
	history(t, from)
	there := mustOpenURL(t, database)
	mustCopy(t, from, there)
	back := mustOpen(t, filepath.Join(t.TempDir(), "back.db"))
	mustCopy(t, there, back)
	goesOn(t, there)
	goesOn(t, back)
}

func TestCopyToAFile(t *testing.T) {
	from, to := mustOpen(t, filepath.Join(t.TempDir(), "from.db")), mustOpen(t, filepath.Join(t.TempDir(), "to.db"))
	history(t, from)
	mustCopy(t, from, to)
	goesOn(t, to)
}

func TestCopyRefuses(t *testing.T) {
	from, to := mustOpen(t, filepath.Join(t.TempDir(), "from.db")), mustOpenURL(t, storetest.URL(t))
	history(t, from)
	empty := dump(t, to)
	if _, err := from.write.ExecContext(t.Context(), `UPDATE audit SET record = replace(record, 'Ana', 'Bob') WHERE id = 7`); err != nil {
		t.Fatal(err)
	}
	_, err := Copy(t.Context(), from, to, silent)
	if err == nil || !strings.Contains(err.Error(), "line 7 of the audit") {
		t.Errorf("a forged line: %v", err)
	}
	if diff := cmp.Diff(empty, dump(t, to)); diff != "" {
		t.Errorf("something was copied in spite of it:\n%s", diff)
	}
	history(t, to)
	full := dump(t, to)
	_, err = Copy(t.Context(), from, to, silent)
	if err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("a target that is not empty: %v", err)
	}
	if diff := cmp.Diff(full, dump(t, to)); diff != "" {
		t.Errorf("it was changed:\n%s", diff)
	}
}

// No table is forgotten.
func TestTableNames(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "allclear.db"))
	var want []string
	rows, err := s.read.QueryContext(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name`)
	err = each(rows, err, func() error {
		var name string
		err := rows.Scan(&name)
		if !slices.Contains(notCopied, name) {
			want = append(want, name)
		}
		return err
	})
	got, err2 := tableNames()
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || err != nil || err2 != nil {
		t.Errorf("%v, %v (-there +copied):\n%s", err, err2, diff)
	}
}

func TestServed(t *testing.T) {
	s := newStore(t)
	if served, err := s.Served(t.Context()); served || err != nil {
		t.Errorf("served by nobody: %v, %v", served, err)
	}
	s.mustClaim(t, "birds")
	if served, err := s.Served(t.Context()); served || err != nil {
		t.Errorf("served by itself: %v, %v", served, err)
	}
	s.AsNode("b").mustClaim(t, "tg")
	if served, err := s.Served(t.Context()); !served || err != nil {
		t.Errorf("served by another: %v, %v", served, err)
	}
}

// A backup is made while commands are taken, and is of one moment.
func TestBackupWhileServing(t *testing.T) {
	url := storetest.URL(t)
	s := mustOpenURL(t, url)
	history(t, s)
	ctx, stop := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	busy.Go(func() {
		for ctx.Err() == nil {
			_, err := s.Change(context.Background(), "", func(tx desk.Tx) ([]byte, error) { return nil, tx.Create(anIncident()) })
			if err != nil {
				t.Error(err)
			}
		}
	})
	file := filepath.Join(t.TempDir(), "backup.db")
	err := Backup(t.Context(), url, file, silent)
	stop()
	busy.Wait()
	if err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(file + "?*")
	if len(left) != 0 || err != nil {
		t.Errorf("left beside it: %v, %v", left, err)
	}
	if err := Backup(t.Context(), url, file, silent); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("over another file: %v", err)
	}
	b := mustOpen(t, file)
	if bad := b.brokenLine(t); bad != 0 {
		t.Errorf("line %d of the audit is broken", bad)
	}
	wantFrozen(t, b, "this is a backup made at ")
}

func wantFrozen(t *testing.T, s *Store, reason string) {
	t.Helper()
	freezes, err := s.Freezes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if k := slices.IndexFunc(freezes, func(f desk.Freeze) bool { return f.Scope == "all" }); reason == "" && k >= 0 {
		t.Errorf("frozen: %+v", freezes[k])
	} else if reason != "" && (k < 0 || !strings.HasPrefix(freezes[k].Reason, reason) || freezes[k].By != audit.Self) {
		t.Errorf("freezes %+v, want all, since %s", freezes, reason)
	}
}

// A restored copy sends nothing until a person releases it, and only once.
func TestRestoredBackupIsFrozen(t *testing.T) {
	url := storetest.URL(t)
	s := mustOpenURL(t, url)
	history(t, s)
	wantFrozen(t, s, "")
	dir := t.TempDir()
	file := filepath.Join(dir, "backup.db")
	if err := Backup(t.Context(), url, file, silent); err != nil {
		t.Fatal(err)
	}
	r := mustOpen(t, file)
	wantFrozen(t, r, "this is a backup made at ")
	l, err := r.Lane(t.Context(), 1)
	if err != nil || !l.Frozen {
		t.Errorf("the lane is not frozen: %v", err)
	}
	r.Close()
	r = mustOpen(t, file)
	wantFrozen(t, r, "this is a backup made at ") // until somebody releases it
	r.mustChange(t, func(tx desk.Tx) error { return tx.Unfreeze("all") })
	r.Close()
	wantFrozen(t, mustOpen(t, file), "")
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
}

// A file that was copied by other means is recognised too: in another place, or
// from an earlier life in its own.
func TestCopiedFileIsFrozen(t *testing.T) {
	dir := t.TempDir()
	file, elsewhere := filepath.Join(dir, "allclear.db"), filepath.Join(dir, "elsewhere.db")
	s := mustOpen(t, file)
	history(t, s)
	s.Close()
	copyTo(t, file, elsewhere)
	s = mustOpen(t, file)
	wantFrozen(t, s, "") // the original goes on
	s.Close()
	c := mustOpen(t, elsewhere)
	wantFrozen(t, c, "this database is a copy of another, or was moved")
	c.mustChange(t, func(tx desk.Tx) error { return tx.Unfreeze("all") })
	c.Close()
	wantFrozen(t, mustOpen(t, elsewhere), "") // it has settled in

	old := filepath.Join(dir, "old.db")
	copyTo(t, file, old)
	for range 2 { // two more lives
		mustOpen(t, file).Close()
	}
	copyTo(t, old, file)
	wantFrozen(t, mustOpen(t, file), "this database is a copy of another, or was moved")
}

// A folder that is copied has its lock copied too. One that is renamed is the
// same place.
func TestCopiedFolderIsFrozen(t *testing.T) {
	dir := t.TempDir()
	here, there, copied := filepath.Join(dir, "here"), filepath.Join(dir, "there"), filepath.Join(dir, "copied")
	for _, d := range []string{here, copied} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s := mustOpen(t, filepath.Join(here, "allclear.db"))
	history(t, s)
	s.Close()
	for _, name := range []string{"allclear.db", "allclear.db-lock"} {
		copyTo(t, filepath.Join(here, name), filepath.Join(copied, name))
	}
	if err := os.Rename(here, there); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, filepath.Join(there, "allclear.db"))
	wantFrozen(t, s, "")
	c := mustOpen(t, filepath.Join(copied, "allclear.db"))
	if c.number() == "" {
		t.Skip("files have no number here")
	}
	wantFrozen(t, c, "this database is a copy of another, or was moved")
	c.Close()
	s.Close()
	for range 2 {
		s = mustOpen(t, filepath.Join(there, "allclear.db"))
		wantFrozen(t, s, "")
		s.Close()
	}
}

// A database in which nothing was said has nothing to hold back.
func TestCopiedEmptyFileIsNotFrozen(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "allclear.db")
	mustOpen(t, file).Close()
	copyTo(t, file, filepath.Join(dir, "elsewhere.db"))
	wantFrozen(t, mustOpen(t, filepath.Join(dir, "elsewhere.db")), "")
}

// A copy of a schema in the same cluster is another place.
func TestCopiedDatabaseIsFrozen(t *testing.T) {
	database := storetest.Postgres(t)
	s := mustOpenURL(t, database)
	history(t, s)
	s.mustChange(t, func(desk.Tx) error { return nil })
	again := mustOpenURL(t, database)
	wantFrozen(t, again, "")
	err := again.change(t.Context(), func(tx *tx) error { return set(t.Context(), tx, placeSetting, "another cluster") })
	if err != nil {
		t.Fatal(err)
	}
	wantFrozen(t, mustOpenURL(t, database), "this database is a copy of another, or was moved")
}

// A copy may take longer than PostgreSQL lets a node wait in the middle of a
// transaction.
func TestSlowCopy(t *testing.T) {
	from := mustOpenURL(t, storetest.Postgres(t))
	history(t, from)
	to := mustOpenURL(t, storetest.Postgres(t))
	slow := sync.OnceFunc(func() { time.Sleep(6 * time.Second) })
	if _, err := Copy(t.Context(), from, to, func(done, all int64, _ string) {
		if done == all { // the source has nothing to do any more
			slow()
		}
	}); err != nil {
		t.Error(err)
	}
}
