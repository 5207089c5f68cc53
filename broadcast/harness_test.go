package broadcast

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

// world is one lane and the platform behind it. It plays the engine without
// goroutines, network or store: ask Next, let the platform do it, Apply, and
// sleep (in fake time) when Next says wait.
type world struct {
	t        testing.TB
	lane     *Lane
	platform *platform
	texts    *templates.Set
	steps    []Step               // all that were taken
	said     []string             // the texts that may have arrived, in order
	faults   int                  // operations that did not succeed
	still    int                  // steps taken since the clock last moved
	last     *Step                // the step before, where it failed
	doing    *Step                // the request under way
	watch    func(*Step, Outcome) // called after each request; may be nil
}

// in runs a test of one lane in fake time.
func in(t *testing.T, p profile, test func(w *world)) {
	t.Helper()
	texts := mustTexts(t)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(12 * time.Hour) // noon
		test(newWorld(t, p, texts))
	})
}

func mustTexts(t testing.TB) *templates.Set {
	t.Helper()
	texts, err := templates.Load("", []string{"en", "zh-Hans"})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func newWorld(t testing.TB, p profile, texts *templates.Set) *world {
	p.channel.Name, p.channel.Account, p.channel.Target = p.channel.Platform, "bot", "here"
	if p.channel.Language == "" {
		p.channel.Language = "en"
	}
	return &world{t: t, texts: texts,
		platform: newPlatform(t, p.limits),
		lane: &Lane{
			ID: 1, Channel: p.channel, Limits: p.limits, CanFind: p.finds,
			Policy: Policy{
				Unsure: "ask", Language: "en", Zone: time.UTC, NoStaleNews: 10 * time.Minute,
				Link:      func(r incident.Ref) string { return "https://status.example.com/incidents/" + r.String() },
				Component: func(id string) string { return "the " + id },
			},
			Incident: incident.Incident{
				Ref: incident.Ref{Prefix: "INC", Number: 1}, Kind: incident.Outage,
				Status: incident.Investigating, Impact: incident.Major, CreatedAt: now(),
			},
		},
	}
}

// now is the fake clock as the store would give it back.
func now() time.Time { return time.Now().UTC().Round(0) }

// run works until the lane is idle or frozen.
func (w *world) run() {
	w.t.Helper()
	w.work(now().Add(7 * 24 * time.Hour))
}

// runFor works for d and leaves the clock there.
func (w *world) runFor(d time.Duration) {
	w.t.Helper()
	end := now().Add(d)
	w.work(end)
	w.sleep(end)
}

func (w *world) sleep(until time.Time) {
	if d := until.Sub(now()); d > 0 {
		time.Sleep(d)
		w.still, w.last = 0, nil
	}
}

// work takes the lane from step to step until it is idle, frozen or waits for
// longer than the end.
func (w *world) work(end time.Time) {
	w.t.Helper()
	for range 10_000 {
		step := w.next()
		switch {
		case step.Kind == Idle, step.Kind == Wait && step.Until.IsZero():
			return
		case step.Kind == Wait && !step.Until.After(now()):
			w.t.Fatalf("waits until %v, which is not after %v", step.Until, now())
		case step.Kind == Wait && step.Until.After(end):
			return
		case step.Kind == Wait:
			w.sleep(step.Until)
		default:
			w.take(step)
		}
	}
	w.t.Fatal("10000 steps and no end")
}

// next asks Next, and checks that it is pure.
func (w *world) next() Step {
	before := w.copied()
	step := Next(w.lane, now())
	if again := Next(w.lane, now()); !reflect.DeepEqual(step, again) {
		w.t.Fatalf("Next says two things of one lane:\n%s", cmp.Diff(step, again))
	}
	if !reflect.DeepEqual(before.Entries, w.lane.Entries) || before.Thread != w.lane.Thread || before.Pin != w.lane.Pin || before.Head != w.lane.Head {
		w.t.Fatal("Next changed the lane")
	}
	return step
}

// take makes one step, as the engine would: what Apply says is kept for the
// step's own entry and the lane, and nothing else may have changed.
func (w *world) take(step Step) {
	w.t.Helper()
	if w.still++; w.still > 100 {
		w.t.Fatalf("100 steps and the clock stands still; now %+v", step)
	}
	out := w.outcome(&step)
	w.steps = append(w.steps, step)
	l := w.copied()
	Apply(l, step, out, now())
	for i, e := range l.Entries {
		if e.ID != step.Entry && !reflect.DeepEqual(e, w.lane.Entries[i]) {
			w.t.Fatalf("a step of entry %d changed entry %d:\n%s", step.Entry, e.ID, cmp.Diff(w.lane.Entries[i], e))
		}
		if should := w.lane.Entries[i].Should; step.Kind != Settle && e.Should != should {
			w.t.Fatalf("a step changed what should show: %+v to %+v", should, e.Should)
		}
	}
	w.lane.Entries, w.lane.Thread, w.lane.Pin, w.lane.Head, w.lane.HeadEdit, w.lane.Closed = l.Entries, l.Thread, l.Pin, l.Head, l.HeadEdit, l.Closed
	w.lane.Channel.Target = l.Channel.Target
}

// outcome carries out a step on the platform.
func (w *world) outcome(step *Step) Outcome {
	w.t.Helper()
	switch step.Kind {
	case Find:
		return w.platform.find(step.Op)
	case Do:
		w.compose(step)
		if w.last != nil && reflect.DeepEqual(w.last.Op, step.Op) {
			w.t.Fatalf("after a failure the same request is made again at once: %+v", step.Op)
		}
		out := Outcome{Text: step.Op.Text, Began: now()}
		w.doing = step
		out.Receipt, out.Fault = w.platform.do(step.Op)
		if w.watch != nil {
			w.watch(step, out)
		}
		if out.Fault == nil || out.Fault.Kind == bots.Unsure {
			w.said = append(w.said, step.Op.Text)
		}
		w.last = nil
		if out.Fault != nil {
			failed := *step
			w.last = &failed
			w.faults++
		}
		return out
	}
	return Outcome{}
}

func (w *world) compose(step *Step) {
	w.t.Helper()
	if step.Say == nil {
		return
	}
	l := w.lane.Limits
	text, err := w.texts.Render(w.lane.Channel.Platform, w.lane.Channel.Language, *step.Say, templates.Space{Max: l.MaxText, Measure: l.Measure})
	if err != nil {
		w.t.Fatal(err)
	}
	step.Op.Text = text.String
}

// copied is the lane as a store would load it again.
func (w *world) copied() *Lane {
	l := *w.lane
	l.Entries = slices.Clone(w.lane.Entries)
	for i := range l.Entries {
		if d := l.Entries[i].Doubt; d != nil {
			l.Entries[i].Doubt = new(*d)
		}
	}
	return &l
}

// want compares what a follower sees with a line per message, oldest first:
//
//	2 >1 #t9 pinned published: words … more words
//
// is message 2, a reply to message 1, in thread t9, with those words in that
// order. Deleted messages are seen by nobody.
func (w *world) want(lines ...string) {
	w.t.Helper()
	var seen []string
	for _, m := range w.platform.visible() {
		seen = append(seen, m.String())
	}
	ok := len(seen) == len(lines)
	for i := 0; ok && i < len(lines); i++ {
		ok = matches(seen[i], lines[i])
	}
	if !ok {
		w.t.Fatalf("a follower sees\n\t%s\nwant\n\t%s\nsteps\n%s", strings.Join(seen, "\n\t"), strings.Join(lines, "\n\t"), w.history())
	}
}

// matches reports whether a message begins as the pattern does and has the
// rest of it in that order.
func matches(seen, pattern string) bool {
	head, rest, _ := strings.Cut(pattern, ": ")
	if !strings.HasPrefix(seen, head+": ") {
		return false
	}
	seen = seen[len(head):]
	for part := range strings.SplitSeq(rest, " … ") {
		_, after, ok := strings.Cut(seen, part)
		if !ok {
			return false
		}
		seen = after
	}
	return true
}

// wantNever fails if any text that may have arrived has the words.
func (w *world) wantNever(words string) {
	w.t.Helper()
	if i := slices.IndexFunc(w.said, func(s string) bool { return strings.Contains(s, words) }); i >= 0 {
		w.t.Fatalf("%q was sent in %q", words, w.said[i])
	}
}

// wantIdle fails unless the lane has nothing more to do.
func (w *world) wantIdle() {
	w.t.Helper()
	if step := w.next(); step.Kind != Idle {
		w.t.Fatalf("there is more to do: %+v", step)
	}
}

// did counts the requests with an action.
func (w *world) did(a bots.Action) int {
	n := 0
	for _, s := range w.steps {
		if s.Kind == Do && s.Op.Action == a {
			n++
		}
	}
	return n
}

func (w *world) history() string {
	var b strings.Builder
	for _, s := range w.steps {
		fmt.Fprintf(&b, "\tkind %d entry %d %s %s reply %q thread %q %.60q\n", s.Kind, s.Entry, s.Op.Action, s.Chore, s.Op.ReplyTo, s.Op.Thread, s.Op.Text)
	}
	return b.String()
}
