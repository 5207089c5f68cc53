package people

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/allclear-hq/allclear/internal/seat"
)

// A Journal knows how far each attempt of the open batches got. A mark is one
// store into a file that is mapped into memory: it costs no system call, and
// what a killed process stored there is still there. So a killed process
// leaves each attempt as exactly one of: never written (it is made), written
// without an answer (unsure), answered (known).
//
// A batch has a sheet of the journal before it is stored, under a name that is
// drawn for it and stored with it. So a batch whose sheet is not found is of
// another node, or the journal or the database is not what it was (copied,
// restored, lost in a power cut): then it is unsure as a whole. The same holds
// where nothing can be mapped.
type Journal struct {
	words []uint64 // header and sheets
	close func() error

	mu    sync.Mutex
	used  [sheets]bool
	ended [sheets]time.Time // until when batches were sent whose sheets are not used; zero where none was
}

// Bounds of a journal.
const (
	sheets    = 16             // open batches at the same time, and those before them
	sheetSize = 2 + 2*MaxBatch // words: the name, when it was given back, and of each attempt how far it got and whom it was for
	headSize  = 16             // words: a mark of the format, and where and when it is trusted
	totalSize = headSize + sheets*sheetSize
	format    = 0x616c6c636c720005
)

// A tempo is how messages follow each other.
type tempo int

// The tempos. For each a word of the header says when something left last.
const (
	even tempo = iota // as the account permits, one after the other
	paid              // the same where it is paid for
)

const (
	whenWord = headSize - 1 - int(paid) // that of even; the other follows
	lostWord = whenWord - 1             // until when batches were sent whose sheets became those of others
)

// A mark is how far an attempt got.
type mark uint64

const (
	fresh    mark = 0 // nothing has left
	denied   mark = 1 // nobody was told, and the chat was asked
	left     mark = 2 // bytes may have left
	answered mark = 3 // with the message's id
)

// OpenJournal opens the journal in a file, which is made if need be. With an
// empty name, and where files cannot be mapped, it lives in memory: after a
// restart the batches that were open are unsure.
func OpenJournal(file string) (*Journal, error) {
	boot := seat.BootID()
	if file == "" || boot == "" {
		return newJournal(make([]uint64, totalSize), "", func() error { return nil }), nil
	}
	words, inode, unmap, err := mapFile(file, totalSize)
	if err != nil {
		return nil, fmt.Errorf("the journal %s: %w", file, err)
	}
	return newJournal(words, boot+" "+inode, unmap), nil
}

// newJournal trusts words that were written in one place, and begins anew with
// any others. The place is the time since the machine started and the file
// itself, so that no copy of it is taken for it.
func newJournal(words []uint64, place string, unmap func() error) *Journal {
	j := &Journal{words: words, close: unmap}
	const size = lostWord - 1
	want := fmt.Appendf(nil, "%-*.*s", 8*size, 8*size, place)
	trusted := place != "" && words[0] == format
	for i := range size {
		trusted = trusted && words[1+i] == binary.LittleEndian.Uint64(want[8*i:])
	}
	if !trusted {
		clear(words)
		for i := range size {
			words[1+i] = binary.LittleEndian.Uint64(want[8*i:])
		}
		words[0] = format
		return j
	}
	for n := range sheets {
		switch p := j.sheet(n); {
		case p.words[1] != 0:
			j.ended[n] = time.Unix(0, int64(p.words[1]))
		case p.words[0] != 0: // it was being sent when an earlier life ended
			j.ended[n] = j.last()
		}
	}
	return j
}

// Close closes the file. What was written stays.
func (j *Journal) Close() error { return j.close() }

// began records that a message leaves. It costs no more than a mark.
func (j *Journal) began(at time.Time, t tempo) {
	atomic.StoreUint64(&j.words[whenWord+int(t)], uint64(at.UnixNano()))
}

// last is when a message left last, of this life or an earlier one; zero is never.
func (j *Journal) last() time.Time {
	return later(j.time(whenWord+int(even)), j.time(whenWord+int(paid)))
}

// time is what a word of the header says; zero where it says nothing.
func (j *Journal) time(word int) time.Time {
	if ns := atomic.LoadUint64(&j.words[word]); ns != 0 {
		return time.Unix(0, int64(ns))
	}
	return time.Time{}
}

// wrote lists the subscribers who were written to, among them those of the window
// before the last message. It reports whether it knows all of these: a sheet may
// be another batch's by now.
func (j *Journal) wrote(window time.Duration) (subscribers map[int64]bool, all bool) {
	subscribers = map[int64]bool{}
	for n := range sheets {
		maps.Copy(subscribers, j.sheet(n).whom(func(m mark) bool { return m != fresh }))
	}
	return subscribers, j.time(lostWord).Add(window + leeway).Before(j.last())
}

// leeway is for requests that were longer on their way than others.
const leeway = 50 * time.Millisecond

// rests is for how long nothing is to be begun after a start, so that what an
// earlier life sent does not count together with more than is allowed in a
// window. What kept an even pace until half a window ago fills half of it, and
// leaves room for what begins at the same pace again; what was paid for, where
// what follows is too. Otherwise it has to have left the window, and also where it
// is not known who was written to. A clock that was put back makes it no longer
// than a window.
func (j *Journal) rests(now time.Time, window time.Duration, known, pays bool) time.Duration {
	rest := time.Duration(0)
	for t, half := range map[tempo]bool{even: known, paid: known && pays} {
		last := j.time(whenWord + int(t))
		if last.IsZero() {
			continue
		}
		after := window + leeway
		if half {
			after = window/2 + leeway
		}
		rest = max(rest, min(last.Add(after).Sub(now), after))
	}
	return rest
}

var errFull = errors.New("too many batches are open")

// begin takes a sheet for a batch. Nothing may be sent before it returns.
func (j *Journal) begin() (*sheet, error) { return j.take(drawn()) }

// take takes the sheet that was given back longest ago, under a name.
func (j *Journal) take(name uint64) (*sheet, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	oldest := -1
	for n := range sheets {
		if !j.used[n] && (oldest < 0 || j.ended[n].Before(j.ended[oldest])) {
			oldest = n
		}
	}
	if oldest < 0 {
		return nil, errFull
	}
	j.used[oldest] = true
	if ended := j.ended[oldest]; ended.After(j.time(lostWord)) {
		atomic.StoreUint64(&j.words[lostWord], uint64(ended.UnixNano()))
	}
	p := j.sheet(oldest)
	for i := range p.words { // the name first
		atomic.StoreUint64(&p.words[i], 0)
	}
	atomic.StoreUint64(&p.words[0], name)
	return p, nil
}

// forEdits is the bit of the names of sheets for edits.
const forEdits = 1 << 63

// drawn is a name that nobody had before.
func drawn() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return max(1, binary.LittleEndian.Uint64(b[:])&^forEdits)
}

// edits is the name for edits that bring the messages of a row to show something:
// the same in every life, as long as the row is.
func (r *Row) edits(shows int) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, r.ID, r.At.UnixMicro(), r.Lo, r.Hi, shows)
	return h.Sum64() | forEdits
}

// edited lists whose messages edits changed that were under way when an earlier
// life ended, by the name of the edits; those that are open are not.
func (j *Journal) edited(open func(name string) bool) map[uint64]map[int64]bool {
	out := map[uint64]map[int64]bool{}
	for n := range sheets {
		p := j.sheet(n)
		name := atomic.LoadUint64(&p.words[0])
		if name&forEdits == 0 || open(p.name()) {
			continue
		}
		out[name] = p.whom(func(m mark) bool { return m == answered })
	}
	return out
}

func (j *Journal) sheet(n int) *sheet {
	at := headSize + n*sheetSize
	return &sheet{journal: j, n: n, words: j.words[at : at+sheetSize]}
}

// find returns the sheet of a name, or nil if it is not in this journal.
func (j *Journal) find(name string) *sheet {
	for n := range sheets {
		if p := j.sheet(n); p.name() == name && name != "" {
			return p
		}
	}
	return nil
}

// A sheet has the marks of one batch.
type sheet struct {
	journal *Journal
	n       int
	words   []uint64
}

// name is what a batch knows its sheet by; empty while it has none.
func (p *sheet) name() string {
	if word := atomic.LoadUint64(&p.words[0]); word != 0 {
		return fmt.Sprintf("%016x", word)
	}
	return ""
}

// leaves records that attempt i leaves, which is for a subscriber.
func (p *sheet) leaves(i int, subscriber int64) {
	atomic.StoreUint64(&p.words[3+2*i], uint64(subscriber))
	p.mark(i, left, 0)
}

// mark records how far attempt i got.
func (p *sheet) mark(i int, m mark, message int64) {
	atomic.StoreUint64(&p.words[2+2*i], uint64(message)<<2|uint64(m))
}

// read says how far attempt i got.
func (p *sheet) read(i int) (m mark, message int64) {
	w := atomic.LoadUint64(&p.words[2+2*i])
	return mark(w & 3), int64(w >> 2)
}

// whom lists the subscribers whose attempts got as far as is asked for.
func (p *sheet) whom(far func(mark) bool) map[int64]bool {
	subscribers := map[int64]bool{}
	for i := range MaxBatch {
		if m, _ := p.read(i); far(m) {
			subscribers[p.subscriber(i)] = true
		}
	}
	return subscribers
}

// unlink forgets in which messages a subscriber was told, who has moved away from
// them.
func (j *Journal) unlink(subscriber int64) {
	for n := range sheets {
		p := j.sheet(n)
		for i := range MaxBatch {
			word := &p.words[2+2*i]
			w := atomic.LoadUint64(word)
			if mark(w&3) == answered && p.subscriber(i) == subscriber {
				atomic.CompareAndSwapUint64(word, w, uint64(answered))
			}
		}
	}
}

// subscriber is whom attempt i was for.
func (p *sheet) subscriber(i int) int64 { return int64(atomic.LoadUint64(&p.words[3+2*i])) }

// free gives the sheet back, once what it says is in the store.
func (p *sheet) free() {
	p.journal.mu.Lock()
	defer p.journal.mu.Unlock()
	atomic.StoreUint64(&p.words[0], 0)
	if p.journal.used[p.n] { // otherwise by an earlier life, which has ended
		p.journal.used[p.n], p.journal.ended[p.n] = false, time.Now()
	}
	atomic.StoreUint64(&p.words[1], uint64(p.journal.ended[p.n].UnixNano()))
}

// forget gives back all sheets but those that are kept, once what they say is in
// the store, or another node has settled it.
func (j *Journal) forget(keep func(name string) bool) {
	for n := range sheets {
		if p := j.sheet(n); p.name() != "" && !keep(p.name()) {
			p.free()
		}
	}
}
