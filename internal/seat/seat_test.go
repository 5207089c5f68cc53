//go:build linux || darwin

package seat

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func mustTake(t *testing.T, dir string) *Seat {
	t.Helper()
	s, err := Take(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustKeep(t *testing.T, s *Seat, who string) {
	t.Helper()
	if err := s.Keep(who); err != nil {
		t.Fatal(err)
	}
}

// Processes that share a folder have a seat each, and whoever comes after one
// that ended has its seat, and learns its name.
func TestSeatsInOneFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	a, b := mustTake(t, dir), mustTake(t, dir)
	if a.Before() != "" || b.Before() != "" {
		t.Errorf("nobody was there before, but %q and %q", a.Before(), b.Before())
	}
	if a.File("journal") == b.File("journal") {
		t.Error("two processes have one file")
	}
	mustKeep(t, a, "a-with-a-long-name")
	mustKeep(t, a, "a")
	mustKeep(t, b, "b")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	c := mustTake(t, dir)
	if c.Before() != "a" || c.File("journal") != a.File("journal") {
		t.Errorf("after a: %q, with %s", c.Before(), c.File("journal"))
	}
	if d := mustTake(t, dir); d.Before() != "" || d.File("journal") == b.File("journal") {
		t.Errorf("b lives, but its seat was taken, with %q before", d.Before())
	}
}

// A folder that was copied, was written on another machine or before this one
// was started again, or is damaged does not tell who is dead.
func TestSeatOfAnotherPlace(t *testing.T) {
	dir := t.TempDir()
	first := mustTake(t, dir)
	mustKeep(t, first, "a")
	file := first.File("seat")
	first.Close()
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir()
	if err := os.WriteFile(filepath.Join(copied, filepath.Base(file)), kept, 0o600); err != nil {
		t.Fatal(err)
	}
	if who := mustTake(t, copied).Before(); who != "" {
		t.Errorf("in a copy it was %q", who)
	}
	for name, other := range map[string]string{
		"another boot": strings.Replace(string(kept), BootID(), strings.Repeat("0", len(BootID())), 1),
		"cut off":      string(kept[:len(BootID())+10]),
		"empty":        "",
		"no end":       strings.TrimRight(string(kept), " \n"),
		"larger":       string(kept) + "more",
	} {
		if err := os.WriteFile(file, []byte(other), 0o600); err != nil {
			t.Fatal(err)
		}
		s := mustTake(t, dir)
		if who := s.Before(); who != "" != (name == "larger") {
			t.Errorf("%s: it was %q", name, who)
		}
		s.Close()
	}
}

func TestSeatThatCannotBeHad(t *testing.T) {
	dir := t.TempDir()
	s := mustTake(t, dir)
	for _, who := range []string{"two\nlines", strings.Repeat("x", size)} {
		if err := s.Keep(who); err == nil {
			t.Errorf("kept %q", who)
		}
	}
	if _, err := Take(s.File("seat")); err == nil {
		t.Error("no error for a folder that is a file")
	}
	for range seats - 1 {
		mustTake(t, dir)
	}
	if _, err := Take(dir); err == nil || !strings.Contains(err.Error(), "give this one another") {
		t.Errorf("one process too many: %v", err)
	}
	if err := (*Seat)(nil).Close(); err != nil {
		t.Error(err)
	}
}
