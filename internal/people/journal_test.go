package people

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func mustJournal(t *testing.T, file string) *Journal {
	t.Helper()
	j, err := OpenJournal(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func mustSheet(t *testing.T, j *Journal, batch int64) *sheet {
	t.Helper()
	p, err := j.begin(batch)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What was marked is there when the file is opened again, whether or not the
// one who marked it had time to close it.
func TestJournalOutlivesItsProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "journal")
	j := mustJournal(t, file)
	p := mustSheet(t, j, 7)
	p.mark(0, intent, 0)
	p.mark(1, left, 0)
	p.mark(MaxBatch-1, answered, 1<<40)
	again := mustJournal(t, file)
	if again.ID() != j.ID() {
		t.Fatalf("the journal became another: %s, then %s", j.ID(), again.ID())
	}
	q := again.find(7)
	if q == nil {
		t.Fatal("the sheet is not there")
	}
	for i, want := range map[int]mark{0: intent, 1: left, 2: fresh, MaxBatch - 1: answered} {
		m, message := q.read(i)
		if m != want || (m == answered) != (message == 1<<40) {
			t.Errorf("attempt %d got as far as %d with message %d, want %d", i, m, message, want)
		}
	}
	if again.find(8) != nil {
		t.Error("a batch that never began has a sheet")
	}
}

// Once everything is settled that an earlier life left, its sheets say nothing
// about batches that get the same ids.
func TestJournalForgetsWhatIsSettled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "journal")
	before := mustJournal(t, file)
	mustSheet(t, before, 6)
	mustSheet(t, before, 7)
	j := mustJournal(t, file)
	mustSheet(t, j, 8) // of this life, in the place of 6
	if j.find(7) == nil {
		t.Fatal("what an earlier life left is not found")
	}
	j.forget()
	if j.find(7) != nil {
		t.Error("a batch of an earlier life is found when that is settled")
	}
	if j.find(8) == nil {
		t.Error("a batch that is open is forgotten")
	}
}

func TestJournalOfAnotherBootIsNotTrusted(t *testing.T) {
	words := make([]uint64, totalSize)
	none := func() error { return nil }
	first := newJournal(words, "boot one", none)
	mustSheet(t, first, 7).mark(0, answered, 5)
	if same := newJournal(words, "boot one", none); same.ID() != first.ID() || same.find(7) == nil {
		t.Error("after a restart of the process the journal is another")
	}
	if other := newJournal(words, "boot two", none); other.ID() == first.ID() || other.find(7) != nil {
		t.Error("after a restart of the machine the journal is trusted")
	}
	if memory := mustJournal(t, ""); memory.ID() == mustJournal(t, "").ID() {
		t.Error("two journals in memory have one id")
	}
}

// After a restart nothing is sent as long as it might count together with what
// was sent before: half a window after an even pace, otherwise a whole one.
func TestJournalKnowsWhenSomethingWasSent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "journal")
	last := time.Now()
	mustJournal(t, file).began(last, true)
	j := mustJournal(t, file)
	rests := func(after, want time.Duration) {
		t.Helper()
		if got := j.rests(last.Add(after), time.Second); got != want {
			t.Errorf("after %v it rests %v, want %v", after, got, want)
		}
	}
	rests(0, 550*time.Millisecond)
	rests(200*time.Millisecond, 350*time.Millisecond)
	rests(time.Second, 0)
	rests(-time.Hour, 550*time.Millisecond) // the clock was put back
	j.began(last, false)
	rests(200*time.Millisecond, 850*time.Millisecond)
	rests(2*time.Second, 0)
	if d := mustJournal(t, "").rests(last, time.Second); d != 0 {
		t.Errorf("before anything was sent it rests %v", d)
	}
	words := make([]uint64, totalSize)
	none := func() error { return nil }
	newJournal(words, "boot one", none).began(last, false)
	if d := newJournal(words, "boot two", none).rests(last, time.Second); d != 0 {
		t.Errorf("after another boot it rests %v", d)
	}
}

func TestJournalSheetsAreUsedAgain(t *testing.T) {
	j := mustJournal(t, "")
	var first *sheet
	for n := range sheets {
		p := mustSheet(t, j, int64(n+1))
		if n == 0 {
			first = p
		}
		p.mark(3, left, 0)
	}
	if _, err := j.begin(100); err == nil {
		t.Error("there is a sheet too many")
	}
	first.free()
	if j.find(1) != nil {
		t.Error("a batch that gets the id of one that has ended is found before it has begun")
	}
	p := mustSheet(t, j, 100)
	if m, _ := p.read(3); m != fresh {
		t.Error("a sheet begins with the marks of another batch")
	}
	if j.find(1) != nil || j.find(100) == nil {
		t.Error("the sheet is found under the wrong batch")
	}
}

func TestJournalThatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenJournal(filepath.Join(dir, "none", "journal")); err == nil {
		t.Error("no error for a folder that is not there")
	}
	short := filepath.Join(dir, "short")
	if err := os.WriteFile(short, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if j := mustJournal(t, short); j.find(7) != nil {
		t.Error("another file was taken for a journal")
	}
}
