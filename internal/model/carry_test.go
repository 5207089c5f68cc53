package model

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/allclear-hq/allclear/internal/store"
)

// carry has the site go on with another store: with a copy, as somebody makes
// one who moves, or with a backup that was made when the process was killed. A
// backup is frozen until somebody releases it, and neither has the walk's journal
// beside it.
func (w *world) carry(a act) error {
	if a.Do == "restore" {
		w.life.die()
	}
	if err := w.endAll(); err != nil {
		return err
	}
	if w.db != nil {
		if err := w.closeDatabase(); err != nil {
			return err
		}
	}
	w.stores++
	file := filepath.Join(w.dir, fmt.Sprintf("store-%d.db", w.stores))
	copied := w.copy
	if a.Do == "restore" {
		copied = w.restore
	}
	if err := copied(file); err != nil {
		return err
	}
	marks, err := filepath.Glob(filepath.Join(w.dir, "walk-*"))
	for _, m := range marks {
		err = errors.Join(err, os.Remove(m))
	}
	if err != nil {
		return err
	}
	w.url = "sqlite:" + file
	w.tell("down for %v", time.Duration(a.Down))
	time.Sleep(time.Duration(a.Down))
	return w.start()
}

func quietly(int64, int64, string) {}

// copy copies the store into a file, and checks what has arrived.
func (w *world) copy(file string) error {
	from, err := store.Open(context.Background(), w.url, store.ByOwnClock)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := store.Open(context.Background(), "sqlite:"+file)
	if err != nil {
		return err
	}
	_, err = store.Copy(context.Background(), from, to, quietly)
	return errors.Join(err, to.Close())
}

// restore makes a backup, with which everything is frozen.
func (w *world) restore(file string) error {
	err := store.Backup(context.Background(), w.url, file, quietly)
	if err == nil {
		w.note(func() { w.frozen[""], w.frozenAt[""] = true, time.Now() })
	}
	return err
}
