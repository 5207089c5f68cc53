//go:build unix

package people_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// onBoth runs a test with each kind of store.
func onBoth(t *testing.T, f func(t *testing.T, url func() string)) {
	t.Run("sqlite", func(t *testing.T) { f(t, func() string { return "" }) })
	t.Run("postgres", func(t *testing.T) {
		storetest.Postgres(t)
		f(t, func() string { return storetest.Postgres(t) })
	})
}

// What is kept of a message to somebody is less than ten bytes, indexes, empty
// room in pages and what the walk needs for itself included.
func TestADeliveryTakesFewBytes(t *testing.T) {
	onBoth(t, func(t *testing.T, url func() string) {
		const n = 25_000
		if _, grown := walkOnce(t, n, url(), false); grown <= 0 || grown > 10*n {
			t.Errorf("the database grew by %d bytes for %d messages", grown, n)
		}
	})
}

// What a walk holds in memory, and what it asks of the database for a batch,
// does not grow with the audience.
func TestAWalkNeedsNoMoreForMorePeople(t *testing.T) {
	onBoth(t, func(t *testing.T, url func() string) {
		var few, many int
		t.Run("few", func(t *testing.T) { few = heapOfWalk(t, url(), 10_000) })
		t.Run("many", func(t *testing.T) { many = heapOfWalk(t, url(), 200_000) })
		t.Logf("in the middle of a walk %d KiB are in use with 10 000 subscribers, %d KiB with 200 000", few>>10, many>>10)
		if many-few > 190_000*50 { // less than half of what a list of the others would take
			t.Error("that depends on how many there are")
		}
	})
}

// heapOfWalk walks to the first thousands of an audience, and says how much
// memory is in use then.
func heapOfWalk(t *testing.T, url string, audience int) int {
	t.Helper()
	before := heap()
	w := newWorld(t, 1000)
	w.url, w.counts = url, new(counts)
	const told = 3000
	c := newListeners(t, told)
	w.api = c.URL
	w.start()
	w.fill(audience)
	w.publish(benchWords, incident.Major)
	<-c.all
	after := heap()
	w.halt()
	n := w.counts
	if n.steps > 3*n.batches || n.looks > 3*n.batches || n.page > people.PacedBatch || n.rows > 3 {
		t.Errorf("of %d people, %d batches took %d steps and %d looks, at most at %d subscribers and %d rows of receipts", audience, n.batches, n.steps, n.looks, n.page, n.rows)
	}
	return after - before
}

// heap is how much memory is in use.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// fill subscribes so many people, straight in the database.
func (w *world) fill(n int) {
	w.t.Helper()
	db := w.db()
	defer db.Close()
	_, err := db.ExecContext(w.t.Context(), fmt.Sprintf(`WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < %d)
		INSERT INTO subscriber (bot, chat, language, impact, components, incidents, state, changed) SELECT '%s', k, 'en', 0, '', '', 0, 0 FROM n`, n, bot))
	if err != nil {
		w.t.Fatal(err)
	}
}
