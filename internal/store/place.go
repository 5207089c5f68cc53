package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/desk"
)

// Settings by which a store knows where it belongs. A restored copy knows
// nothing of what was sent after it was made, so it sends nothing until a
// person has looked.
const (
	placeSetting  = "place"  // the life of the file, or the place in the cluster
	backupSetting = "backup" // when the backup was made that this is
)

// arrive freezes everything in a store that is a copy of another.
func (s *Store) arrive(ctx context.Context) error {
	return s.change(ctx, func(tx *tx) error {
		made, err := settingOf(ctx, tx, backupSetting)
		if err != nil {
			return err
		}
		was, err := settingOf(ctx, tx, placeSetting)
		if err != nil {
			return err
		}
		here, err := s.places(ctx, tx)
		if err != nil {
			return err
		}
		var said int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM incident`).Scan(&said); err != nil {
			return err
		}
		switch {
		case made != "":
			err = s.fence(ctx, tx, "this is a backup made at "+made+"; see what the channels show before you release it")
		case was != "" && (!slices.Contains(here, was) || s.copied(was)) && said > 0:
			err = s.fence(ctx, tx, "this database is a copy of another, or was moved; see what the channels show before you release it")
		}
		if err != nil {
			return err
		}
		return s.settleIn(ctx, tx)
	})
}

// copied reports whether a file that was in some place is now another file: it
// was copied together with its lock.
func (s *Store) copied(was string) bool {
	_, number, ok := strings.Cut(was, "@")
	now := s.number()
	return ok && now != "" && number != now
}

// number is what tells this file from its copies on the same disk; empty on
// PostgreSQL, and where the system has no such number.
func (s *Store) number() string {
	if s.file == nil {
		return ""
	}
	return fileNumber(s.file)
}

// fence freezes everything, for the record too.
func (s *Store) fence(ctx context.Context, tx *tx, reason string) error {
	now := s.now()
	t := &deskTx{ctx: ctx, tx: tx, now: s.now}
	freezes, err := t.Freezes()
	if err != nil || slices.ContainsFunc(freezes, func(f desk.Freeze) bool { return f.Scope == "all" }) {
		return err
	}
	if err := t.Freeze("all", reason, audit.Self, now); err != nil {
		return err
	}
	return appendAudit(ctx, tx, audit.Record{At: now.UTC().Truncate(time.Microsecond), Actor: audit.Self, Origin: audit.Self, Verb: "freeze", Detail: js(desk.Stop{Reason: reason})})
}

// settleIn makes this the place where the store belongs.
func (s *Store) settleIn(ctx context.Context, tx *tx) error {
	here, err := s.places(ctx, tx)
	if err != nil {
		return err
	}
	place := here[0]
	if s.lock != nil {
		was, err := settingOf(ctx, tx, placeSetting)
		if err != nil {
			return err
		}
		place = rand.Text()
		if number := s.number(); number != "" {
			place += "@" + number
		}
		// Both, in case this transaction comes to nothing.
		if err := s.lock.write(ctx, was, place); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM setting WHERE name = ?`, backupSetting); err != nil {
		return err
	}
	return set(ctx, tx, placeSetting, place)
}

// places are the names of this place, at least one.
func (s *Store) places(ctx context.Context, tx *tx) ([]string, error) {
	if s.lock != nil {
		return s.lock.places(ctx)
	}
	var place string
	err := tx.QueryRowContext(ctx, `SELECT d.oid || '/' || n.oid FROM pg_database d, pg_namespace n WHERE d.datname = current_database() AND n.nspname = current_schema()`).Scan(&place)
	return []string{place}, err
}

// places are the lives of the file that belong beside this lock; an empty name
// stands for none.
func (l *fileLock) places(ctx context.Context) (out []string, err error) {
	out, err = texts(l.conn.QueryContext(ctx, `SELECT name FROM place`))
	return append(out, ""), err
}

// write has the lock know two lives of the file.
func (l *fileLock) write(ctx context.Context, was, is string) error {
	_, err := l.conn.ExecContext(ctx, `DELETE FROM place; INSERT INTO place (name) VALUES (?), (?)`, was, is)
	if err != nil {
		return fmt.Errorf("the lock beside the database: %w", err)
	}
	return nil
}

func settingOf(ctx context.Context, q querier, name string) (value string, err error) {
	err = q.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = ?`, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return value, err
}
