package broadcast

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

var (
	seed   = flag.Uint64("seed", 0, "play only the random scenario with this seed")
	from   = flag.Uint64("from", 1, "seed of the first random scenario; 0 for a random one")
	rounds = flag.Int("scenarios", 0, "random scenarios to play, however long it takes")
)

// TestRandomScenarios plays short incidents on all platforms in which people
// do anything at any time and requests go wrong in every way, and checks after
// each step and at the end what must always hold.
func TestRandomScenarios(t *testing.T) {
	texts := mustTexts(t)
	if *seed != 0 {
		synctest.Test(t, func(t *testing.T) { playScenario(t, texts, *seed) })
		return
	}
	n, enough := max(*rounds, 3000), time.Now().Add(3*time.Second)
	first, played := cmp.Or(*from, rand.Uint64()>>16), 0
	for played < n && (*rounds > 0 || time.Now().Before(enough)) {
		synctest.Test(t, func(t *testing.T) {
			for range 50 {
				playScenario(t, texts, first+uint64(played))
				played++
			}
		})
	}
	t.Logf("played %d scenarios from seed %d", played, first)
}

// TestKnownScenarios plays those that once went wrong.
func TestKnownScenarios(t *testing.T) {
	texts := mustTexts(t)
	synctest.Test(t, func(t *testing.T) {
		for _, s := range []uint64{84535524399067, 52156486685117, 174915748752990, 238885856050983, 251808030200750, 26431291302814} {
			playScenario(t, texts, s)
		}
	})
}

func playScenario(t *testing.T, texts *templates.Set, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	p := randomProfile(r)
	s := &scenario{
		world: newWorld(t, p, texts), r: r, trouble: r.Float64() * 0.7, retracted: map[int]bool{},
		sent: map[int64][]*landing{}, excused: map[int64]bool{}, late: map[int64]bool{}, gone: map[int64]bool{},
	}
	defer func() {
		if t.Failed() {
			t.Logf("%s, unsure = %s; play it again with -run Scenarios -seed=%d\n%s\n%s", p.channel.Platform, s.lane.Policy.Unsure, seed, strings.Join(s.acts, "\n"), s.history())
		}
	}()
	s.lane.Policy.Unsure = pick(r, "ask", "assume", "resend")
	s.lane.Policy.EditOnly = r.IntN(6) == 0
	s.platform.chaos, s.platform.landed, s.watch = s.chaos, s.land, s.check
	s.publishOne()
	for range 3 + r.IntN(12) {
		s.act()
		s.work(now().Add(pick(r, 0, 0, time.Second, 3*time.Second, 10*time.Second, 40*time.Second, 3*minute, 15*minute)))
		if r.IntN(3) > 0 {
			s.sleep(now().Add(time.Duration(r.IntN(30)) * time.Second))
		}
	}
	s.platform.chaos, s.platform.hidden, s.lane.Frozen = nil, false, false
	s.run()
	s.checkEnd()
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func randomProfile(r *rand.Rand) profile {
	p := pick(r, telegram(), discord(), x(), wechat())
	p.channel.Thread, p.channel.Pin, p.channel.Crosspost = r.IntN(2) == 0, r.IntN(3) == 0, r.IntN(3) == 0
	return p
}

// scenario is a world with its witnesses.
type scenario struct {
	*world
	r         *rand.Rand
	trouble   float64 // how often a request goes wrong
	acts      []string
	retracted map[int]bool
	sent      map[int64][]*landing // by entry
	excused   map[int64]bool       // may show twice: a person asked, policy said so, or the platform lied
	late      map[int64]bool       // may come after newer ones: a person asked
	gone      map[int64]bool       // the platform said that the message is gone
	lied      bool                 // the platform did not find what it has
}

// landing is a message that the platform took.
type landing struct {
	*message
	answered bool
}

// chaos decides whether and how a request goes wrong.
func (s *scenario) chaos(action bots.Action) (accident, bool) {
	if s.r.Float64() >= s.trouble {
		return accident{}, false
	}
	a := pick(s.r, lost, lost, unanswered, unanswered, down, down, refused, noReply, nowhere, noMessage, forbidden,
		slow(now().Add(time.Duration(s.r.IntN(120))*time.Second)), slow(time.Time{}))
	a.action = action
	return a, true
}

// act has somebody do something.
func (s *scenario) act() {
	n := len(s.lane.Incident.Updates)
	update, entry := 1+s.r.IntN(n), int64(1+s.r.IntN(len(s.lane.Entries)))
	standing := s.lane.Incident.Update(update).Retraction == nil
	what := pick(s.r, "publish", "publish", "publish", "correct", "typo", "retract", "remove", "skip", "retry", "retry", "posted", "freeze", "thaw", "vandal", "move", "hide", "show", "crash")
	s.acts = append(s.acts, fmt.Sprintf("%s step %d %s update %d entry %d", now().Format(time.TimeOnly), len(s.steps), what, update, entry))
	switch what {
	case "publish":
		s.publishOne()
	case "correct", "typo":
		if standing {
			s.revise(update, s.words(update, len(s.lane.Incident.Update(update).Revisions)+1), what == "typo")
			s.late[s.lane.post(update).ID] = true // a refused text gets another chance
		}
	case "retract", "remove":
		if standing {
			s.retract(update, "It was a mistake.", what == "remove")
			s.retracted[update] = true
		}
	case "skip":
		s.skip(entry)
	case "retry":
		if s.retry(entry) {
			s.excused[entry], s.late[entry] = true, true
		}
	case "posted":
		s.foundByHand(entry)
	case "crash":
		s.crash()
	default:
		s.outside(what)
	}
}

// outside is what happens without our doing.
func (s *scenario) outside(what string) {
	switch what {
	case "freeze", "thaw":
		s.freeze(what == "freeze")
	case "vandal":
		if all := s.platform.visible(); len(all) > 0 {
			pick(s.r, all...).deleted = true
		}
	case "move":
		s.platform.move()
	case "hide", "show":
		s.platform.hidden, s.lied = what == "hide", true
	}
}

func (s *scenario) publishOne() {
	n := len(s.lane.Incident.Updates) + 1
	s.publish(s.words(n, 1), func(x *incident.Saying) {
		if s.r.IntN(3) == 0 {
			x.Impact = pick(s.r, incident.Impacts...)
		}
		if s.r.IntN(3) == 0 {
			x.Status = pick(s.r, incident.Outage.Statuses()...)
		}
		if s.r.IntN(3) == 0 {
			x.NextUpdate = now().Add(20 * minute)
		}
	})
}

// words are recognised wherever they show, however much of them is cut.
func (s *scenario) words(update, revision int) string {
	return mark(update, revision) + strings.Repeat(" and so on", s.r.IntN(40)*s.r.IntN(2))
}

func mark(update, revision int) string { return fmt.Sprintf("<%d.%d>", update, revision) }

// foundByHand records as posted what a person sees on the platform.
func (s *scenario) foundByHand(entry int64) {
	id := ""
	for _, l := range s.sent[entry] {
		if !l.deleted && s.platform.limits.Replies != bots.NoReplies {
			id = l.id
		}
	}
	if s.posted(entry, id) {
		s.late[entry] = true
	}
}

// crash loses the answer to the next request, as the end of the process does.
func (s *scenario) crash() {
	if s.lane.Frozen {
		return
	}
	step := s.next()
	if step.Kind != Do {
		return
	}
	known := map[*landing]bool{}
	for _, l := range s.sent[step.Entry] {
		known[l] = l.answered
	}
	s.outcome(&step)
	s.steps = append(s.steps, step)
	for _, l := range s.sent[step.Entry] {
		l.answered = known[l]
	}
	l := s.copied()
	Apply(l, step, Outcome{Began: now(), Text: step.Op.Text, Fault: lost.fault}, now())
	s.lane.Entries, s.lane.Thread, s.lane.Pin, s.lane.HeadEdit, s.lane.Closed, s.last = l.Entries, l.Thread, l.Pin, l.HeadEdit, l.Closed, nil
}

// land is told of each message that the platform takes.
func (s *scenario) land(m *message) {
	e := s.lane.entry(s.doing.Entry)
	before := s.sent[e.ID]
	s.sent[e.ID] = append(before, &landing{message: m})
	for _, l := range before {
		if !l.deleted && (l.answered || !s.excused[e.ID] && !s.lied && s.lane.Policy.Unsure != "resend") {
			s.t.Fatalf("entry %d is said twice: %q and %q", e.ID, l.text, m.text)
		}
	}
	for id := range s.sent {
		f := s.lane.entry(id)
		shows := slices.ContainsFunc(s.sent[id], func(l *landing) bool { return !l.deleted && !s.gone[id] && !s.excused[id] })
		if e.Kind == Say && f.Kind == Say && f.Update > e.Update && shows && len(before) == 0 && !s.late[e.ID] && !s.lied {
			s.t.Fatalf("update %d is said after update %d", e.Update, f.Update)
		}
	}
}
