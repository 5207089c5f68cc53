package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// Backup writes a copy of a store of one moment into a new file, also while a
// server works on it. Whoever opens the copy has everything frozen until a
// person releases it.
func Backup(ctx context.Context, rawURL, file string, progress Progress) error {
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("%s is there already: name a file that is not", file)
	}
	part := file + ".part"
	os.Remove(part) // of a backup that was interrupted
	defer os.Remove(part)
	defer os.Remove(part + "-lock")
	made := time.Now().UTC().Format(time.RFC3339)
	err := error(nil)
	if source, ok := strings.CutPrefix(rawURL, "sqlite:"); ok {
		err = backupFile(ctx, source, part)
	} else {
		err = backupPostgres(ctx, rawURL, part, progress)
	}
	if err == nil {
		err = markBackup(ctx, part, made)
	}
	if err == nil {
		err = os.Rename(part, file)
	}
	if err != nil {
		return fmt.Errorf("back up to %s: %w", file, explain(err))
	}
	return nil
}

// MustExist refuses the URL of a file that is not there, which Open would make.
func MustExist(rawURL string) error {
	file, ok := strings.CutPrefix(rawURL, "sqlite:")
	if !ok {
		return nil
	}
	if err := checkPlace(file); err != nil {
		return err
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("there is no database %s: check the path", file)
	}
	return nil
}

// backupFile copies a SQLite file through a connection of its own.
func backupFile(ctx context.Context, source, part string) (err error) {
	if err := MustExist("sqlite:" + source); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", dsn(source, "_pragma=busy_timeout(10000)"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ownFile(part) // SQLite writes into an empty one too
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, part)
	return err
}

func backupPostgres(ctx context.Context, rawURL, part string, progress Progress) (err error) {
	from, err := Open(ctx, rawURL)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := Open(ctx, "sqlite:"+part)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	_, err = Copy(ctx, from, to, progress)
	return err
}

// markBackup writes into the copy that it is one, and has it all on the disk.
func markBackup(ctx context.Context, part, made string) (err error) {
	db, err := sql.Open("sqlite", dsn(part, "_pragma=journal_mode(DELETE)&_pragma=synchronous(FULL)"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var found string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return malformed(found)
	}
	if err := set(ctx, db, backupSetting, made); err != nil {
		return err
	}
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
