package people

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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

func mustSheet(t *testing.T, j *Journal) *sheet {
	t.Helper()
	p, err := j.begin()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What was marked is there when the file is opened again, whether or not the
// one who marked it had time to close it.
func TestJournalOutlivesItsProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "journal")
	p := mustSheet(t, mustJournal(t, file))
	p.mark(0, left, 0)
	p.mark(1, left, 0)
	p.mark(MaxBatch-1, answered, 1<<40)
	again := mustJournal(t, file)
	q := again.find(p.name())
	if q == nil {
		t.Fatal("the sheet is not there")
	}
	for i, want := range map[int]mark{0: left, 1: left, 2: fresh, MaxBatch - 1: answered} {
		m, message := q.read(i)
		if m != want || (m == answered) != (message == 1<<40) {
			t.Errorf("attempt %d got as far as %d with message %d, want %d", i, m, message, want)
		}
	}
	if again.find("") != nil || again.find("0000000000000000") != nil {
		t.Error("a batch that never had a sheet has one")
	}
}

// Once everything is settled that an earlier life left, its sheets are used
// again, and those of batches that are open are not.
func TestJournalForgetsWhatIsSettled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "journal")
	before := mustJournal(t, file)
	mustSheet(t, before)
	old := mustSheet(t, before).name()
	j := mustJournal(t, file)
	now := mustSheet(t, j).name() // of this life, in the place of the first
	if j.find(old) == nil {
		t.Fatal("what an earlier life left is not found")
	}
	j.forget(func(name string) bool { return name == now })
	if j.find(old) != nil {
		t.Error("a batch of an earlier life is found when that is settled")
	}
	if j.find(now) == nil {
		t.Error("a batch that is open is forgotten")
	}
	for range sheets - 1 {
		mustSheet(t, j)
	}
}

func TestJournalOfAnotherBootIsNotTrusted(t *testing.T) {
	words := make([]uint64, totalSize)
	none := func() error { return nil }
	p := mustSheet(t, newJournal(words, "boot one", none))
	p.mark(0, answered, 5)
	if newJournal(words, "boot one", none).find(p.name()) == nil {
		t.Error("after a restart of the process the journal is another")
	}
	if newJournal(words, "boot two", none).find(p.name()) != nil {
		t.Error("after a restart of the machine the journal is trusted")
	}
}

// A copy is not what is written to any more, so it is not believed, and neither
// is what was put in the place of the file.
func TestCopiedJournalIsNotTrusted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "journal")
	p := mustSheet(t, mustJournal(t, file))
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(copied, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if mustJournal(t, copied).find(p.name()) != nil {
		t.Error("a copy is trusted")
	}
	if err := os.Rename(copied, file); err != nil {
		t.Fatal(err)
	}
	if mustJournal(t, file).find(p.name()) != nil {
		t.Error("what was put in its place is trusted")
	}
}

// After a restart nothing is sent as long as it might count together with what
// was sent before: half a window after an even pace, otherwise a whole one.
func TestJournalKnowsWhenSomethingWasSent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "journal")
	last := time.Now()
	mustJournal(t, file).began(last, even)
	j := mustJournal(t, file)
	known, pays := true, false
	rests := func(after, want time.Duration) {
		t.Helper()
		if got := j.rests(last.Add(after), time.Second, known, pays); got != want {
			t.Errorf("after %v it rests %v, want %v", after, got, want)
		}
	}
	rests(0, 550*time.Millisecond)
	rests(200*time.Millisecond, 350*time.Millisecond)
	rests(time.Second, 0)
	rests(-time.Hour, 550*time.Millisecond) // the clock was put back
	known = false                           // the same people may be written to
	rests(200*time.Millisecond, 850*time.Millisecond)
	rests(-time.Hour, 1050*time.Millisecond)
	known = true
	j.began(last, paid) // and is not any more
	rests(200*time.Millisecond, 850*time.Millisecond)
	pays = true
	rests(200*time.Millisecond, 350*time.Millisecond)
	known = false
	rests(200*time.Millisecond, 850*time.Millisecond)
	known = true
	rests(2*time.Second, 0)
	if d := mustJournal(t, "").rests(last, time.Second, false, false); d != 0 {
		t.Errorf("before anything was sent it rests %v", d)
	}
	words := make([]uint64, totalSize)
	none := func() error { return nil }
	newJournal(words, "boot one", none).began(last, even)
	if d := newJournal(words, "boot two", none).rests(last, time.Second, false, false); d != 0 {
		t.Errorf("after another boot it rests %v", d)
	}
}

// After a restart it is known who was written to a moment ago, unless a sheet that
// says so has become another batch's: the one that was given back longest ago.
func TestJournalKnowsWhoWasWrittenTo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "journal")
	began := time.Now()
	write := func(j *Journal, who int64, after time.Duration) {
		p := mustSheet(t, j)
		p.leaves(0, who)
		j.began(began.Add(after), even)
		p.leaves(1, 5000+who)
		p.mark(1, fresh, 0) // it did not leave after all
		p.leaves(3, 2000+who)
		p.mark(3, denied, 0)
		p.leaves(2, 1000+who)
		p.mark(2, answered, 7)
		p.free()
	}
	wrote := func(want bool, who ...int64) *Journal {
		t.Helper()
		j := mustJournal(t, file)
		all, known := j.wrote(time.Second)
		got := slices.Sorted(maps.Keys(all))
		if diff := cmp.Diff(who, got); diff != "" || known != want {
			t.Errorf("all are known: %v, want %v; subscribers (-want +got):\n%s", known, want, diff)
		}
		return j
	}
	j := wrote(false)
	var one, other, third []int64
	for n := range int64(sheets) {
		write(j, 1+n, 0)
		one, other, third = append(one, 1+n), append(other, 1001+n), append(third, 2001+n)
	}
	j = wrote(true, slices.Concat(one, other, third)...)
	write(j, 500, 900*time.Millisecond) // in the place of the first
	j = wrote(false, slices.Concat(one[1:], []int64{500}, other[1:], []int64{1500}, third[1:], []int64{2500})...)
	write(j, 600, time.Hour) // and of the second, a while after
	wrote(true, slices.Concat(one[2:], []int64{500, 600}, other[2:], []int64{1500, 1600}, third[2:], []int64{2500, 2600})...)
}

func TestJournalSheetsAreUsedAgain(t *testing.T) {
	j := mustJournal(t, "")
	var first *sheet
	for n := range sheets {
		p := mustSheet(t, j)
		if n == 0 {
			first = p
		}
		p.mark(3, left, 0)
	}
	if _, err := j.begin(); err == nil {
		t.Error("there is a sheet too many")
	}
	old := first.name()
	first.free()
	if j.find(old) != nil {
		t.Error("a sheet that was given back is found")
	}
	p := mustSheet(t, j)
	if m, _ := p.read(3); m != fresh {
		t.Error("a sheet begins with the marks of another batch")
	}
	if j.find(old) != nil || j.find(p.name()) == nil {
		t.Error("the sheet is found under the wrong name")
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
	if j := mustJournal(t, short); j.find("") != nil {
		t.Error("another file was taken for a journal")
	}
}
