package main

import (
	"fmt"

	"github.com/allclear-hq/allclear/internal/store"
)

// storeCmd are commands about stores as a whole.
type storeCmd struct {
	Copy copyCmd `cmd:"" help:"Copy everything from one store into another, in which there is nothing yet."`
}

// copyCmd moves a history, for example from a file to PostgreSQL.
type copyCmd struct {
	From string `arg:"" help:"sqlite:FILE or postgres://USER@HOST/DATABASE; no server may run on it."`
	To   string `arg:"" help:"The same, where nothing is yet."`
}

func (c *copyCmd) Run(e *env) error {
	if c.From == c.To {
		return usageError{fmt.Errorf("both are the same store: name another one to copy to")}
	}
	if err := store.MustExist(c.From); err != nil {
		return err
	}
	from, err := store.Open(e.ctx, c.From)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := store.Open(e.ctx, c.To)
	if err != nil {
		return err
	}
	defer to.Close()
	for name, s := range map[string]*store.Store{"first": from, "second": to} {
		if served, err := s.Served(e.ctx); err != nil {
			return err
		} else if served {
			return fmt.Errorf("a server works on the %s store: stop it, wait ten seconds and try again", name)
		}
	}
	rows, err := store.Copy(e.ctx, from, to, sparingly(e))
	if err != nil {
		return fmt.Errorf("nothing was copied: %w", err)
	}
	_, err = fmt.Fprintf(e.out, "%d rows copied, counted and verified with the chain of the audit; change [store] url and start the server\n", rows)
	return err
}

// sparingly shows a hundred steps of long work.
func sparingly(e *env) store.Progress {
	next := int64(0)
	return func(done, all int64, table string) {
		if done >= next || done == all {
			next = done + max(all/100, 1)
			progress(e, int(done), int(all), table)
		}
	}
}

// backupCmd writes a copy of the store while a server works on it.
type backupCmd struct {
	File string `arg:"" help:"New file to write. To restore it, put it where [store] url says; everything is frozen then until an admin releases it."`
}

func (c *backupCmd) Run(e *env) error {
	cfg, err := loadConfig(e)
	if err != nil {
		return err
	}
	if err := store.Backup(e.ctx, cfg.Store.URL.Reveal(), c.File, sparingly(e)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, "%s is a backup of this moment\n", c.File)
	return err
}
