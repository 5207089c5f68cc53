package broadcast

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

func TestDeliveryFromWaitingToSent(t *testing.T) {
	in(t, telegram(), func(w *world) {
		accepted := now()
		w.platform.fails(bots.Post, down)
		w.publish("one")
		want := Delivery{ID: "1", Update: "INC-1/1", Revision: 1, Channel: "telegram", Action: "post", State: Pending, Accepted: accepted}
		w.wantDeliveries(nil, want)
		want.State = Sending
		w.wantDeliveries(map[int64]bool{1: true}, want)
		w.take(w.next())
		want.State, want.Attempts, want.Error = Pending, 1, "temporary"
		w.wantDeliveries(nil, want)
		w.run()
		want.State, want.Attempts, want.Error, want.Message, want.URL, want.Sent = Sent, 2, "", "1", "https://example.com/1", now()
		w.wantDeliveries(nil, want)
	})
}

func TestDeliveryOfAnEdit(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("one")
		w.run()
		posted := now()
		w.runFor(minute)
		w.platform.fails(bots.Edit, refused)
		w.typo(1, "One.")
		typed := now()
		post := Delivery{ID: "1", Update: "INC-1/1", Revision: 1, Channel: "telegram", Action: "post", State: Sent, Message: "1",
			URL: "https://example.com/1", Attempts: 1, Accepted: posted, Sent: posted}
		edit := post
		edit.ID, edit.Revision, edit.Action, edit.State, edit.Sent = "1-amend", 2, "edit", Pending, time.Time{}
		edit.Accepted = typed // the edit was, the post long before
		w.wantDeliveries(nil, post, edit)
		edit.State = Sending
		w.wantDeliveries(map[int64]bool{1: true}, post, edit)
		w.run()
		post.Attempts, edit.Attempts, edit.State, edit.Error = 2, 2, Failed, "rejected 400: refused"
		w.wantDeliveries(nil, post, edit)
		w.retry(1)
		w.run()
		post.Attempts, edit.Attempts, edit.State, edit.Error, edit.Sent = 3, 3, Sent, "", now()
		w.wantDeliveries(nil, post, edit)
	})
}

// Who decides what became of a doubtful delivery looks for the words that may
// be there, not for those that took their place meanwhile.
func TestUnsureDeliveryNamesTheWordsThatMayBeThere(t *testing.T) {
	in(t, wechat(), func(w *world) {
		w.publish("one")
		w.run()
		w.platform.fails(bots.Post, unanswered)
		w.correct(1, "One.")
		w.run()
		w.typo(1, "One!")
		w.run()
		d := w.lane.Deliveries(nil)[1]
		if d.Action != "correction" || d.State != UnsureState || d.Revision != 2 {
			t.Errorf("it is %s %s of revision %d, want correction unsure of 2", d.Action, d.State, d.Revision)
		}
	})
}

// wantDeliveries compares the whole view.
func (w *world) wantDeliveries(sending map[int64]bool, want ...Delivery) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.lane.Deliveries(sending)); diff != "" {
		w.t.Fatalf("deliveries (-want +got):\n%s", diff)
	}
}

// Each case brings a lane into a situation and names the deliveries that
// people are shown.
func TestDeliveries(t *testing.T) {
	later := func(w *world) accident { return slow(now().Add(time.Hour)) }
	for _, c := range []struct {
		name    string
		profile profile
		play    func(w *world)
		want    string
	}{
		{"refused", telegram(), func(w *world) { w.platform.fails(bots.Post, refused); w.publish("a"); w.run() }, "post failed"},
		{"no answer", telegram(), func(w *world) { w.platform.fails(bots.Post, lost); w.publish("a"); w.run() }, "post unsure"},
		{"no answer, then retracted", telegram(), func(w *world) {
			w.platform.fails(bots.Post, lost)
			w.publish("a")
			w.run()
			w.retract(1, "why", false)
		}, "post unsure, tombstone pending"},
		{"skipped", wechat(), func(w *world) { w.platform.fails(bots.Post, lost); w.publish("a"); w.run(); w.skip(1) }, "post skipped"},
		{"retracted before it was sent", x(), func(w *world) { w.publish("a"); w.retract(1, "why", false) }, "post withdrawn, tombstone pending"},
		{"corrected, and not yet edited", discord(), func(w *world) { w.publish("a"); w.run(); w.correct(1, "b") }, "post sent, edit pending, correction pending"},
		{"corrected where nothing can be edited", x(), func(w *world) { w.publish("a"); w.run(); w.correct(1, "b") }, "post sent, correction pending"},
		{"a typo where nothing can be edited", wechat(), func(w *world) { w.publish("a"); w.run(); w.typo(1, "b") }, "post sent"},
		{"to be a tombstone", telegram(), func(w *world) { w.publish("a"); w.run(); w.retract(1, "why", false) }, "post sent, tombstone pending, tombstone pending"},
		{"to be deleted", telegram(), func(w *world) { w.publish("a"); w.run(); w.retract(1, "why", true) }, "post sent, delete pending, tombstone pending"},
		{"deletion refused", x(), func(w *world) {
			w.publish("a")
			w.run()
			w.platform.fails(bots.Delete, refused)
			w.retract(1, "why", false)
			w.run()
		}, "post sent, delete failed, tombstone sent"},
		{"deletion given up", x(), func(w *world) {
			w.publish("a")
			w.run()
			w.platform.fails(bots.Delete, refused)
			w.retract(1, "why", false)
			w.run()
			w.skip(1)
		}, "post sent, delete skipped, tombstone sent"},
		{"withdrawal given up", telegram(), func(w *world) {
			w.publish("a")
			w.run()
			w.platform.fails(bots.Edit, refused)
			w.retract(1, "why", false)
			w.run()
			w.skip(1)
		}, "post sent, tombstone skipped, tombstone sent"},
		{"deleted by somebody", discord(), func(w *world) {
			w.publish("a")
			w.run()
			w.platform.message("1").deleted = true
			w.typo(1, "b")
			w.run()
		}, "post sent, delete sent"},
		{"posted by hand", wechat(), func(w *world) { w.platform.fails(bots.Post, forbidden); w.publish("a"); w.run(); w.posted(1, "") }, "post sent"},
		{"posted by hand, then retracted", telegram(), func(w *world) {
			w.platform.fails(bots.Post, forbidden)
			w.publish("a")
			w.run()
			w.posted(1, "")
			w.retract(1, "why", false)
			w.run()
		}, "post sent, tombstone sent"},
		{"rate-limited", telegram(), func(w *world) { w.platform.fails(bots.Post, later(w)); w.publish("a"); w.runFor(time.Second) }, "post pending"},
		{"frozen", telegram(), func(w *world) { w.publish("a"); w.freeze(true) }, "post held"},
		{"frozen and retracted", telegram(), func(w *world) { w.publish("a"); w.freeze(true); w.retract(1, "why", false) }, "post held, tombstone held"},
		{"frozen and unsure", telegram(), func(w *world) { w.platform.fails(bots.Post, lost); w.publish("a"); w.run(); w.freeze(true) }, "post unsure"},
		{"no translation", func() profile { p := telegram(); p.channel.Language = "zh-Hans"; return p }(), func(w *world) { w.lane.Policy.Hold = true; w.publish("a"); w.run() }, "post held"},
		{"corrected without translation", func() profile { p := telegram(); p.channel.Language = "zh-Hans"; return p }(), func(w *world) {
			w.lane.Policy.Hold = true
			w.publish("a")
			w.correct(1, "b")
			w.run()
		}, "post held, correction held"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in(t, c.profile, func(w *world) {
				c.play(w)
				w.wantStates(strings.Split(c.want, ", ")...)
			})
		})
	}
}

func TestPlanPost(t *testing.T) {
	channels := []Channel{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "drill", Drill: true}}
	for _, c := range []struct {
		drill     bool
		only, not []string
		want      string
	}{
		{false, nil, nil, "a b c"},
		{true, nil, nil, "drill"},
		{false, []string{"b", "drill"}, nil, "b"},
		{true, []string{"b", "drill"}, nil, "drill"},
		{false, nil, []string{"a"}, "b c"},
		{false, []string{"a", "b"}, []string{"a"}, "b"},
	} {
		var got []string
		for _, ch := range PlanPost(channels, &incident.Incident{Drill: c.drill}, c.only, c.not) {
			got = append(got, ch.Name)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("drill %v, only %q, not %q: %q, want %q", c.drill, c.only, c.not, got, c.want)
		}
	}
}

func FuzzEntryID(f *testing.F) {
	for _, s := range []string{"1", "1-amend", "-amend", "", "x", "9223372036854775808", "-1", "1-amend-amend"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := EntryID(s)
		if err != nil {
			return
		}
		if back, err := EntryID(fmt.Sprint(id) + amendSuffix); err != nil || back != id {
			t.Errorf("%q is %d, which is read back as %d, %v", s, id, back, err)
		}
	})
}
