package broadcast

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// Bounds of a probe.
const (
	probeAfter = 2 * time.Second // an attempt: by then it has arrived, if ever
	probeIDs   = 5               // that are tried: others post too, and every pin takes an id
	probeTries = 3               // after which a person is left without that help
)

// Neighbours is what is known of the messages around a doubtful post.
type Neighbours struct {
	Shown  []Shows   // messages on its channel
	Unsure []Attempt // of its account: posts without an answer since the message before it
}

// candidates are the ids that a doubtful post may have on a platform that
// numbers the messages of a channel without gaps: those after the message that
// was posted last before it. An id of another message of ours must not be among
// them, so it cannot be told while another post of ours may be anywhere, nor
// where no message before it is known.
func (n *Neighbours) candidates(e *Entry, op bots.Operation) (ids []string, ok bool) {
	for _, a := range n.Unsure {
		if a.Step.Op.Action == bots.Post && a.Step.Op.Target == op.Target && a.Step.Op.Text != op.Text && !n.found(a) {
			return nil, false
		}
	}
	before, after := int64(0), int64(0)
	taken := map[int64]bool{}
	for _, s := range n.Shown {
		id, err := strconv.ParseInt(s.Message, 10, 64)
		if err != nil {
			continue
		}
		taken[id] = true
		switch {
		case s.First.Before(e.Doubt.Since):
			before = max(before, id)
		case after == 0 || id < after:
			after = id
		}
	}
	for id := before + 1; before > 0 && id <= before+probeIDs && (after == 0 || id < after); id++ {
		if !taken[id] {
			ids = append(ids, strconv.FormatInt(id, 10))
		}
	}
	return ids, before > 0
}

// found reports whether a post without an answer was found since, so that its id
// is known: by the platform, since a person may have named another.
func (n *Neighbours) found(a Attempt) bool {
	return slices.ContainsFunc(n.Shown, func(s Shows) bool {
		return s.Message != "" && !s.Assumed && s.First.Truncate(time.Microsecond).Equal(a.Began.Truncate(time.Microsecond)) // as a store keeps times
	})
}

// since is when the message was posted after which attempts matter.
func (e *Entry) since(shown []Shows) time.Time {
	var t time.Time
	for _, s := range shown {
		if s.Message != "" && s.First.Before(e.Doubt.Since) {
			t = later(t, s.First)
		}
	}
	return t
}

// probe tries whether a doubtful post is there. Meanwhile nothing else is
// posted to its place, so that the next ids are not taken by anything of ours.
func (w *worker) probe(ctx context.Context, l *Lane, step Step) error {
	a := w.account
	target := step.Op.Target
	if !a.quiet(target, 0, true) {
		return errBusy
	}
	defer a.quiet(target, 0, false)
	ids, looked, err := w.candidates(ctx, l, step)
	if err != nil {
		return err
	}
	out := Outcome{Looked: looked}
	if len(ids) > 0 {
		place, err := w.turn(ctx, step.Class, bots.Operation{Target: target})
		if err != nil {
			return err
		}
		prober := a.Bot.(bots.Prober) // Next names Probe only where CanProbe
		// A probe is several requests. Once another node may be posting, an id
		// may be that of its message, which the next of them would change.
		fenced := bots.BeforeSend(ctx, func() error { return a.rightful(ctx) })
		out.Receipt, out.Found, err = prober.Probe(fenced, step.Op, ids)
		if err != nil {
			out.Fault = bots.AsFault(err)
		}
		a.came(place, time.Now(), step.Op, out.Fault)
		a.observe(l.Channel.Name, "probe", out.Receipt, out.Fault, 0)
	}
	w.log(l, step, 0, out)
	return w.record(ctx, l, step, 0, out)
}

func (w *worker) candidates(ctx context.Context, l *Lane, step Step) (ids []string, ok bool, err error) {
	e := l.entry(step.Entry)
	engine := w.account.engine
	var channels []string
	for _, ch := range engine.channels {
		if ch.Account == l.Channel.Account && (ch.Target == l.Channel.Target || ch.Name == l.Channel.Name) {
			channels = append(channels, ch.Name)
		}
	}
	slices.Sort(channels)
	n := Neighbours{}
	if n.Shown, err = engine.Store.Shown(ctx, channels); err != nil {
		return nil, false, err
	}
	if n.Unsure, err = engine.Store.Unsure(ctx, l.Channel.Account, e.since(n.Shown).Add(-time.Minute)); err != nil {
		return nil, false, err
	}
	ids, ok = n.candidates(e, step.Op)
	return ids, ok, nil
}

// quiet has a place to itself, for a probe (posts is 0) or for posts, of which
// there may be many at once. It returns false while that is not possible.
func (a *account) quiet(target string, posts int, begin bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	const probing = -1
	now := a.places[target]
	switch {
	case !begin && posts == 0:
		a.places[target] = 0
	case !begin:
		a.places[target] = now - posts
	case posts == 0 && now != 0, now == probing:
		return false
	case posts == 0:
		a.places[target] = probing
	default:
		a.places[target] = now + posts
	}
	return true
}

// probed records what a probe came to. That the post was not found proves
// nothing: it helps who decides.
func (l *Lane) probed(e *Entry, out Outcome, now time.Time) {
	switch f := out.Fault; {
	case out.Found:
		l.Landed(e, out.Receipt.ID, out.Receipt.URL)
	case f != nil && f.Kind == bots.RateLimited:
		e.Try.NotBefore = notBefore(f, now)
	case f != nil && f.Kind != bots.Rejected && e.Try.Failures < probeTries:
		e.Try.Failures++
		e.Try.NotBefore = now.Add(pace(e.Try.Failures))
	default:
		e.Doubt.Probed = true
		if f == nil && e.Try.Fault != nil {
			help := " (the next messages of the channel are not it)"
			if !out.Looked {
				help = " (it could not be looked for)"
			}
			seen := *e.Try.Fault
			seen.Detail = bots.OneLine(seen.Detail + help)
			e.Try.Fault = &seen
		}
	}
}
