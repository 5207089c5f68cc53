package broadcast

import (
	"strings"

	"github.com/allclear-hq/allclear/bots"
)

// check is what holds after each request.
func (s *scenario) check(step *Step, out Outcome) {
	s.t.Helper()
	if out.Fault != nil && out.Fault.Kind == bots.Gone && out.Fault.Subject == bots.Message {
		s.gone[step.Entry] = true
	}
	if step.Op.Action == bots.Post && out.Fault == nil {
		for _, l := range s.sent[step.Entry] {
			l.answered = l.answered || l.id == out.Receipt.ID || out.Receipt.ID == "" && l.at.Equal(now())
		}
	}
	if out.Fault != nil && out.Fault.Kind != bots.Unsure {
		return
	}
	for n := range s.retracted {
		if strings.Contains(step.Op.Text, mark(n, 0)[:3]) {
			s.t.Fatalf("retracted words are sent: %q", step.Op.Text)
		}
	}
	if e := s.lane.entry(step.Entry); step.Op.Action == bots.Post && e.Kind != Retract {
		if newest := len(s.lane.Incident.Update(e.Update).Revisions); !strings.Contains(step.Op.Text, mark(e.Update, newest)) {
			s.t.Fatalf("entry %d is posted with other than its newest words, %d: %q", e.ID, newest, step.Op.Text)
		}
	}
}

// checkEnd is what holds when everything has answered and the lane is idle.
func (s *scenario) checkEnd() {
	s.t.Helper()
	s.wantIdle()
	for _, d := range s.lane.Deliveries(nil) {
		switch d.State {
		case Sent, SupersededState, WithdrawnState, SkippedState, Failed, UnsureState:
		default:
			s.t.Fatalf("the lane is idle and delivery %s is %s", d.ID, d.State)
		}
	}
	for i := range s.lane.Entries {
		s.checkEntry(&s.lane.Entries[i])
	}
	for n := range s.retracted {
		s.checkRetracted(n)
	}
}

// checkEntry: an entry shows what it should, or there is a reason that people
// are told, and what it is said to show is there.
func (s *scenario) checkEntry(e *Entry) {
	s.t.Helper()
	action, after := s.amendment(e)
	switch {
	case e.Should.What == Nothing, e.Doubt != nil, e.Try.Failed != "", e.Shows.What == Removed, showsAsItShould(e):
	case e.Shows.Exists() && (action == "" || e.Shows.Message == "" || e.Shows.like(after)): // the platform cannot
	default:
		s.t.Fatalf("the lane is idle and entry %d should show %+v but shows %+v", e.ID, e.Should, e.Shows)
	}
	m := s.platform.message(e.Shows.Message)
	if m != nil && e.Shows.What == Removed && e.Try.Failed == "" && !s.gone[e.ID] {
		s.t.Fatalf("entry %d is said to be gone and shows %q", e.ID, m.text)
	}
	known := !e.Shows.Assumed && e.Should.What != Nothing && e.Try.Failed == "" // no edit of it was left in doubt
	if m != nil && e.Shows.What == Words && known && e.Kind != Retract && !strings.Contains(m.text, mark(e.Update, e.Shows.Revision)) {
		s.t.Fatalf("entry %d is said to show revision %d and shows %q", e.ID, e.Shows.Revision, m.text)
	}
}

func (s *scenario) amendment(e *Entry) (bots.Action, Shows) {
	return (&planner{Lane: s.lane, now: now()}).amendment(e)
}

// checkRetracted: who reads retracted words also reads that they are
// withdrawn, unless people were told that this could not be done.
func (s *scenario) checkRetracted(n int) {
	s.t.Helper()
	told := false
	for i := range s.lane.Entries {
		e := &s.lane.Entries[i]
		settled := e.Shows.Exists() || e.Shows.What == Removed || e.Doubt != nil || e.Try.Failed != "" || e.Should.Why == Skipped
		told = told || e.Kind == Retract && e.Update == n && settled
	}
	for i := range s.lane.Entries {
		e := &s.lane.Entries[i]
		if e.Update != n || e.Kind == Retract {
			continue
		}
		for _, l := range s.sent[e.ID] {
			excuse := !l.answered || told || e.Try.Failed != "" || e.Should.Why == Skipped || s.gone[e.ID]
			if !l.deleted && !excuse && strings.Contains(l.text, mark(n, 0)[:3]) {
				s.t.Fatalf("retracted words of entry %d still show: %q", e.ID, l.text)
			}
		}
	}
}
