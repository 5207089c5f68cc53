// Package seat is the place of a server on its machine. Servers that share a
// folder have a seat in it each, for as long as they live, and a server that is
// started after one was killed has the seat of that one: it finds what that one
// left there, and knows that it is dead.
package seat

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// seats is how many processes may share a folder.
const seats = 16

// A Seat is one of the seats in a folder, which a process has alone until it
// gives it back or ends. It keeps the name of who has it, so that the next one
// learns who had it before.
type Seat struct {
	dir    string
	number int
	file   *os.File // open as long as the seat is had: the lock goes with it
	place  string   // this file since the machine started; empty if that is not known
}

var errTaken = errors.New("another process has this seat")

// Take takes the first free seat of a folder, which is made if need be.
func Take(dir string) (*Seat, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for n := range seats {
		s, err := take(dir, n+1)
		if !errors.Is(err, errTaken) {
			return s, err
		}
	}
	return nil, fmt.Errorf("%d processes use the folder %s: give this one another", seats, dir)
}

func take(dir string, number int) (_ *Seat, err error) {
	s := &Seat{dir: dir, number: number}
	if s.file, err = os.OpenFile(s.File("seat"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	err = lock(s.file)
	if err == nil {
		s.place, err = place(s.file)
	}
	if err != nil {
		return nil, cmp.Or(err, s.file.Close())
	}
	return s, nil
}

// place names a file and the time since the machine started. Whatever has another
// name is a copy, or was written by another machine that has the folder too, of
// whose locks nothing is sure; and where the machine was started again it was
// written too long ago to be of use.
func place(f *os.File) (string, error) {
	boot := BootID()
	if boot == "" {
		return "", nil
	}
	inode, err := Inode(f)
	return boot + " " + inode, err
}

// File is the path of a file that belongs to the seat.
func (s *Seat) File(name string) string {
	return filepath.Join(s.dir, name+"-"+strconv.Itoa(s.number))
}

// size is that of the file, so that a full disk has room for each name.
const size = 512

// Before is who had the seat before and is dead; empty if that is not known.
func (s *Seat) Before() string {
	b := make([]byte, size)
	if n, err := s.file.ReadAt(b, 0); n < size && !errors.Is(err, io.EOF) {
		return ""
	}
	lines := strings.Split(string(b), "\n")
	if s.place == "" || len(lines) != 3 || lines[0] != s.place {
		return ""
	}
	return lines[1]
}

// Keep keeps the name of who has the seat.
func (s *Seat) Keep(who string) error {
	text := s.place + "\n" + who + "\n"
	if len(text) > size || strings.Count(text, "\n") != 2 {
		return fmt.Errorf("%q is no name that can be kept", who)
	}
	_, err := s.file.WriteAt(fmt.Appendf(nil, "%-*s", size, text), 0)
	return err
}

// Close gives the seat back. Nil is no seat.
func (s *Seat) Close() error {
	if s == nil {
		return nil
	}
	return s.file.Close()
}
