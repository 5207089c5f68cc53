package desk_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/store"
	"github.com/allclear-hq/allclear/internal/store/storetest"
	"github.com/allclear-hq/allclear/templates"
)

// The people in the tests.
var (
	ari = desk.Actor{Name: "Ari", Role: desk.Author, Origin: "telegram"}
	rae = desk.Actor{Name: "Rae", Role: desk.Reviewer, Origin: "telegram"}
	ana = desk.Actor{Name: "Ana", Role: desk.Publisher, Origin: "http"}
	bo  = desk.Actor{Name: "Bo", Role: desk.Publisher, Origin: "telegram"}
	ada = desk.Actor{Name: "Ada", Role: desk.Admin, Origin: "discord"}
)

func inDrill(a desk.Actor) desk.Actor { a.Drill = true; return a }

type harness struct {
	*desk.Desk
	t     *testing.T
	store *store.Store
	woken map[string][]int64
	keys  int
	lanes map[string]int64 // ids by reference and channel
}

// The whole suite holds on PostgreSQL too.
func TestOnPostgres(t *testing.T) { storetest.OnPostgres(t) }

// emptyFile is a database in which nothing has happened yet. Copying it is
// quicker than making the tables anew for each test.
var emptyFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "desk")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "empty.db")
	db, err := store.Open(context.Background(), "sqlite:"+file)
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil { // also empties the write-ahead log into the file
		return nil, err
	}
	return os.ReadFile(file)
})

// newHarness is a desk on a database of its own. change adapts its settings.
func newHarness(t *testing.T, change ...func(*desk.Config)) *harness {
	t.Helper()
	url := storetest.URL(t)
	if file, ok := strings.CutPrefix(url, "sqlite:"); ok {
		empty, err := emptyFile()
		if err == nil {
			err = os.WriteFile(file, empty, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &harness{t: t, store: db, lanes: map[string]int64{}}
	c := desk.Config{
		Store: db, Reader: db, Render: render,
		Operators: []desk.Operator{
			{Name: "Ana", Role: desk.Publisher, Users: map[string]string{"telegram": "1001"}},
			{Name: "Ari", Role: desk.Author, Users: map[string]string{"telegram": "1002"}},
			{Name: "Dee", Role: desk.Admin, Users: map[string]string{"telegram": "", "discord": "2001"}},
		},
		Channels: []broadcast.Channel{
			{Name: "tg-en", Account: "tg", Language: "en"},
			{Name: "tg-zh", Account: "tg", Language: "zh-Hans"},
			{Name: "x", Account: "birds", Language: "en"},
			{Name: "practice", Account: "tg", Language: "en", Drill: true},
		},
		Components: map[string]string{"login": "Login", "withdrawals": "Withdrawals"},
		Languages:  []string{"en", "zh-Hans"}, Language: "en", Zone: time.UTC,
		Words: words(t), Approved: map[string]string{"ack": "acacac", "hold": "b01d", "false_alarm": "fa15e"},
		Wake: func(lanes map[string][]int64) { h.woken = lanes },
	}
	for _, f := range change {
		f(&c)
	}
	h.Desk = desk.New(c)
	return h
}

// words are the texts of the program, read once.
func words(t *testing.T) desk.Words {
	t.Helper()
	set, err := loadWords()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

var loadWords = sync.OnceValues(func() (*templates.Set, error) { return templates.Load("", []string{"en", "zh-Hans"}) })

func needs(kind string, n int) func(*desk.Config) {
	return func(c *desk.Config) { c.Approvals = map[string]int{kind: n} }
}

// do carries out a command that must not be refused.
func (h *harness) do(who desk.Actor, cmd desk.Command) desk.Answer {
	h.t.Helper()
	h.keys++
	answer, err := h.Do(h.t.Context(), who, fmt.Sprint("key", h.keys), cmd)
	if err != nil {
		h.t.Fatalf("%T by %s: %v", cmd, who.Name, err)
	}
	return answer
}

// refused carries out a command that must be refused, with a text that has
// all the given parts and is one line.
func (h *harness) refused(who desk.Actor, cmd desk.Command, kind desk.RefusalKind, parts ...string) {
	h.t.Helper()
	h.keys++
	answer, err := h.Do(h.t.Context(), who, fmt.Sprint("key", h.keys), cmd)
	r, ok := desk.AsRefusal(err)
	if !ok {
		h.t.Errorf("%T by %s: %+v, %v; want a refusal", cmd, who.Name, answer, err)
		return
	}
	if r.Kind != kind || strings.Contains(r.Text, "\n") {
		h.t.Errorf("%T by %s is refused with kind %d, %q; want kind %d in one line", cmd, who.Name, r.Kind, r.Text, kind)
	}
	for _, part := range parts {
		if !strings.Contains(r.Text, part) {
			h.t.Errorf("%T by %s is refused with %q; want %q in it", cmd, who.Name, r.Text, part)
		}
	}
}

// text is a wording in English.
func text(s string) incident.Text { return incident.Text{"en": s} }

// opening is an incident as most tests open it.
func opening() desk.Open {
	return desk.Open{Saying: incident.Saying{
		Title: "Login is down", Impact: incident.Critical, Body: text("Nobody can log in."),
		Components: map[string]incident.ComponentState{"login": incident.MajorOutage},
	}}
}

func saying(s string) desk.Update { return desk.Update{Saying: incident.Saying{Body: text(s)}} }

// incident loads what is stored about a reference.
func (h *harness) incident(ref string) *incident.Incident {
	h.t.Helper()
	r, err := incident.ParseRef(ref)
	if err != nil {
		h.t.Fatal(err)
	}
	i, err := h.store.Incident(h.t.Context(), r)
	if err != nil {
		h.t.Fatalf("%s: %v", ref, err)
	}
	return i
}

// lane loads the lane of an incident on a channel, or nil.
func (h *harness) lane(ref, channel string) *broadcast.Lane {
	h.t.Helper()
	r, err := incident.ParseRef(ref)
	if err != nil {
		h.t.Fatal(err)
	}
	if id := h.lanes[ref+channel]; id != 0 {
		l, err := h.store.Lane(h.t.Context(), id)
		if err != nil {
			h.t.Fatal(err)
		}
		return l
	}
	lanes, err := h.store.Lanes(h.t.Context(), r)
	if err != nil {
		h.t.Fatal(err)
	}
	var found *broadcast.Lane
	for _, l := range lanes {
		h.lanes[ref+l.Channel.Name] = l.ID
		if l.Channel.Name == channel {
			found = l
		}
	}
	return found
}

// entry loads the message of a kind for update n.
func (h *harness) entry(ref, channel string, n int, kind broadcast.EntryKind) *broadcast.Entry {
	h.t.Helper()
	l := h.lane(ref, channel)
	if l == nil {
		h.t.Fatalf("%s has no lane on %s", ref, channel)
	}
	for k := range l.Entries {
		if e := &l.Entries[k]; e.Update == n && e.Kind == kind {
			return e
		}
	}
	return nil
}

// should lists what the entries of a lane should show: "1 post words 2".
func (h *harness) should(ref, channel string) (out []string) {
	h.t.Helper()
	if l := h.lane(ref, channel); l != nil {
		for _, e := range l.Entries {
			s := fmt.Sprintf("%d %s %s", e.Update, e.Kind, e.Should.What)
			switch e.Should.What {
			case broadcast.Words:
				s += fmt.Sprint(" ", e.Should.Revision)
			case broadcast.Nothing:
				s += string(e.Should.Why)
			}
			out = append(out, s)
		}
	}
	return out
}

func (h *harness) wantShould(ref, channel string, want ...string) {
	h.t.Helper()
	if got := h.should(ref, channel); !slices.Equal(got, want) {
		h.t.Errorf("%s on %s should show %q, want %q", ref, channel, got, want)
	}
}

// began is when all attempts are begun.
var began = time.Now()

// begin journals an attempt at posting update n, as the engine does.
func (h *harness) begin(ref, channel string, n int, action bots.Action) (*broadcast.Lane, broadcast.Step, int64) {
	h.t.Helper()
	l, e := h.lane(ref, channel), h.entry(ref, channel, n, broadcast.Say)
	step := broadcast.Step{Kind: broadcast.Do, Entry: e.ID, Op: bots.Operation{Action: action, Text: "text"},
		After: broadcast.Shows{What: broadcast.Words, Revision: e.Should.Revision}}
	id, err := h.store.Begin(h.t.Context(), h.claim(l.Channel.Account), l, broadcast.Attempt{Lane: l.ID, Step: step, Began: began})
	if err != nil {
		h.t.Fatalf("begin %s on %s: %v", ref, channel, err)
	}
	return l, step, id
}

func (h *harness) claim(account string) broadcast.Lease {
	h.t.Helper()
	lease, ok, err := h.store.Claim(h.t.Context(), account, time.Minute)
	if err != nil || !ok {
		h.t.Fatalf("claim %s: %v, %v", account, ok, err)
	}
	return lease
}

// attempt makes an attempt that ends with a fault, or without.
func (h *harness) attempt(ref, channel string, n int, action bots.Action, fault *bots.Fault) {
	h.t.Helper()
	l, step, id := h.begin(ref, channel, n, action)
	h.end(l, step, id, fault)
}

func (h *harness) end(l *broadcast.Lane, step broadcast.Step, id int64, fault *bots.Fault) {
	h.t.Helper()
	out := broadcast.Outcome{Began: began, Text: "text", Fault: fault}
	if fault == nil {
		out.Receipt = bots.Receipt{ID: "700", URL: "https://example.com/700"}
	}
	broadcast.Apply(l, step, out, time.Now())
	if err := h.store.Record(h.t.Context(), h.claim(l.Channel.Account), l, step, id, out); err != nil {
		h.t.Fatal(err)
	}
}

// state is where the newest delivery of update n stands.
func (h *harness) state(ref, channel string, n int) (s broadcast.State) {
	h.t.Helper()
	for _, d := range h.lane(ref, channel).Deliveries(nil) {
		if d.Update == fmt.Sprintf("%s/%d", ref, n) && (d.Action == "post" || d.Action == "edit") {
			s = d.State
		}
	}
	return s
}

// audit lists the newest lines of the audit, oldest first.
func (h *harness) audit(limit int) []desk.Record {
	h.t.Helper()
	lines, err := h.store.Audit(context.Background(), 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	lines = slices.DeleteFunc(lines, func(l desk.AuditLine) bool { return l.Record.Origin == audit.Self })
	lines = lines[:min(limit, len(lines))]
	slices.Reverse(lines)
	out := make([]desk.Record, len(lines))
	for k, l := range lines {
		out[k] = l.Record
	}
	return out
}

var (
	rejected = &bots.Fault{Kind: bots.Rejected, Code: "400", Detail: "too long"}
	unsure   = &bots.Fault{Kind: bots.Unsure, Detail: "no answer"}
	later    = &bots.Fault{Kind: bots.Temporary, Detail: "down"}
)

// render shows the text itself on every channel; x shows only a part of it
// and cannot edit.
func render(i *incident.Incident, channels []broadcast.Channel, _ []*broadcast.Lane) (out []broadcast.Preview, err error) {
	for _, ch := range channels {
		text, _ := i.Updates[len(i.Updates)-1].Newest().Body.In(ch.Language, "en")
		p := broadcast.Preview{Channel: ch, Limits: bots.Limits{MaxText: 1000, Unit: "characters", Edit: true}, Text: templates.Text{String: text}, Size: len(text)}
		if ch.Name == "x" {
			p.Limits, p.Text.Cut = bots.Limits{MaxText: 280, Unit: "characters", PostCost: 0.015}, true
		}
		out = append(out, p)
	}
	return out, nil
}
