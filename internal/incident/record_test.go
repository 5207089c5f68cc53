package incident_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/internal/incident"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// told is an incident about which the sayings were said, a minute apart.
func told(sayings ...incident.Saying) *incident.Incident {
	i := &incident.Incident{Kind: incident.Outage, Status: incident.Investigating, Impact: incident.ImpactNone, CreatedAt: noon}
	for k, s := range sayings {
		i.Say(s, "Ana", nil, minute(k+1))
	}
	return i
}

func minute(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }

// status is a saying with nothing but a status.
func status(s incident.Status) incident.Saying {
	return incident.Saying{Status: s, Body: incident.Text{"en": string(s)}}
}

type states = map[string]incident.ComponentState

func TestSay(t *testing.T) {
	opening := incident.Saying{Title: "Login is down", Status: incident.Identified, Impact: incident.Critical,
		Components: states{"login": incident.MajorOutage}, Body: incident.Text{"en": "Down."}, NextUpdate: minute(20), Begin: minute(1), End: minute(9)}
	i := told(opening)
	u := i.Say(incident.Saying{Components: states{"deposits": incident.PartialOutage}, Body: incident.Text{"en": "More."}}, "Bo", []string{"Chen"}, minute(2))

	want := &incident.Incident{
		Kind: incident.Outage, Title: "Login is down", Status: incident.Identified, Impact: incident.Critical,
		Components: states{"login": incident.MajorOutage, "deposits": incident.PartialOutage},
		CreatedAt:  noon, Begin: minute(1), End: minute(9),
		Updates: []incident.Update{
			{N: 1, Status: incident.Identified, Impact: incident.Critical, Components: states{"login": incident.MajorOutage}, NextUpdate: minute(20),
				Author: "Ana", PublishedAt: minute(1),
				Revisions: []incident.Revision{{Title: "Login is down", Body: incident.Text{"en": "Down."}, Author: "Ana", At: minute(1)}}},
			{N: 2, Status: incident.Identified, Impact: incident.Critical,
				Components: states{"login": incident.MajorOutage, "deposits": incident.PartialOutage},
				Author:     "Bo", ApprovedBy: []string{"Chen"}, PublishedAt: minute(2),
				Revisions: []incident.Revision{{Title: "Login is down", Body: incident.Text{"en": "More."}, Author: "Bo", At: minute(2)}}},
		},
	}
	if diff := cmp.Diff(want, i); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if u != i.Update(2) {
		t.Error("Say does not return the update in the record")
	}
}

func TestSayAllClear(t *testing.T) {
	down := incident.Saying{Status: incident.Investigating, Components: states{"login": incident.MajorOutage, "api": incident.PartialOutage}, Body: incident.Text{"en": "Down."}}
	i := told(down, status(incident.Resolved))
	if diff := cmp.Diff(states{"login": incident.Operational, "api": incident.Operational}, i.Components); diff != "" {
		t.Errorf("components after the all clear (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(down.Components, i.Update(1).Components); diff != "" {
		t.Errorf("components of the first update (-want +got):\n%s", diff)
	}
	if !i.ResolvedAt.Equal(minute(2)) {
		t.Errorf("resolved at %v, want %v", i.ResolvedAt, minute(2))
	}
	i.Say(status(incident.Postmortem), "Ana", nil, minute(3))
	if !i.ResolvedAt.Equal(minute(2)) {
		t.Errorf("resolved at %v after the postmortem, want %v", i.ResolvedAt, minute(2))
	}
	i.Say(status(incident.Investigating), "Ana", nil, minute(4))
	if !i.ResolvedAt.IsZero() {
		t.Errorf("resolved at %v though it is back", i.ResolvedAt)
	}
	i.Say(incident.Saying{Status: incident.Resolved, Components: states{"api": incident.DegradedPerformance}, Body: incident.Text{"en": "Nearly."}}, "Ana", nil, minute(5))
	if diff := cmp.Diff(states{"login": incident.Operational, "api": incident.DegradedPerformance}, i.Components); diff != "" {
		t.Errorf("components after an all clear that says otherwise (-want +got):\n%s", diff)
	}
}

func TestRestate(t *testing.T) {
	tests := []struct {
		name     string
		said     []incident.Saying
		retract  []int
		status   incident.Status
		resolved time.Time
	}{
		{"the newest is taken back", []incident.Saying{status(incident.Identified), status(incident.Monitoring)}, []int{2}, incident.Identified, time.Time{}},
		{"an older one is taken back", []incident.Saying{status(incident.Identified), status(incident.Monitoring)}, []int{1}, incident.Monitoring, time.Time{}},
		{"a false all clear", []incident.Saying{status(incident.Identified), status(incident.Resolved)}, []int{2}, incident.Identified, time.Time{}},
		{"a false alarm after the all clear", []incident.Saying{status(incident.Identified), status(incident.Resolved), status(incident.Investigating)}, []int{3},
			incident.Resolved, minute(2)},
		{"the all clear before a postmortem", []incident.Saying{status(incident.Identified), status(incident.Resolved), status(incident.Postmortem)}, []int{2},
			incident.Postmortem, minute(2)},
		{"everything is taken back", []incident.Saying{status(incident.Identified)}, []int{1}, incident.Identified, minute(60)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			i := told(test.said...)
			for _, n := range test.retract {
				i.Update(n).Retraction = &incident.Retraction{Reason: "wrong", At: minute(60)}
				i.Restate(minute(60))
			}
			if i.Status != test.status || !i.ResolvedAt.Equal(test.resolved) {
				t.Errorf("%s, resolved at %v; want %s, %v", i.Status, i.ResolvedAt, test.status, test.resolved)
			}
			if want := len(test.said) - len(test.retract); i.Visible() != want {
				t.Errorf("%d visible, want %d", i.Visible(), want)
			}
		})
	}
}

func TestRestateTakesBackWhatWasSaid(t *testing.T) {
	i := told(
		incident.Saying{Title: "Login is slow", Impact: incident.Minor, Components: states{"login": incident.DegradedPerformance}, NextUpdate: minute(20)},
		incident.Saying{Title: "All is lost", Impact: incident.Critical, Components: states{"login": incident.MajorOutage, "api": incident.MajorOutage}, NextUpdate: minute(40)})
	if !i.Raised(2) || i.Raised(1) || i.Raised(3) {
		t.Errorf("raised: %v %v %v", i.Raised(1), i.Raised(2), i.Raised(3))
	}
	i.Update(2).Retraction = &incident.Retraction{Reason: "wrong"}
	i.Restate(minute(3))
	got := incident.Incident{Title: i.Title, Impact: i.Impact, Components: i.Components, NextUpdate: i.NextUpdate}
	want := incident.Incident{Title: "Login is slow", Impact: incident.Minor, Components: states{"login": incident.DegradedPerformance}, NextUpdate: minute(20)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	i.Update(1).Retraction = &incident.Retraction{Reason: "wrong"}
	if i.Restate(minute(4)); !i.NextUpdate.IsZero() {
		t.Errorf("a promise stands for %v though nothing else does", i.NextUpdate)
	}
}

func TestUpdate(t *testing.T) {
	i := told(status(incident.Identified))
	for n, there := range map[int]bool{-1: false, 0: false, 1: true, 2: false} {
		if got := i.Update(n); (got != nil) != there {
			t.Errorf("Update(%d) = %v", n, got)
		}
	}
	u := i.Update(1)
	u.Revisions = append(u.Revisions, incident.Revision{Title: "second"})
	if u.Newest().Title != "second" || u.Revision(1).Title == "second" {
		t.Errorf("newest %+v, first %+v", u.Newest(), u.Revision(1))
	}
}

func TestTextIn(t *testing.T) {
	text := incident.Text{"en": "back", "zh-Hans": "恢复", "de": "da"}
	tests := []struct {
		text           incident.Text
		lang, fallback string
		want, in       string
	}{
		{text, "zh-Hans", "en", "恢复", "zh-Hans"},
		{text, "fr", "en", "back", "en"},
		{text, "fr", "pt", "da", "de"},
		{incident.Text{"": "untagged"}, "fr", "en", "untagged", ""},
		{nil, "fr", "en", "", "fr"},
	}
	for _, test := range tests {
		if got, in := test.text.In(test.lang, test.fallback); got != test.want || in != test.in {
			t.Errorf("%v.In(%q, %q) = %q, %q; want %q, %q", test.text, test.lang, test.fallback, got, in, test.want, test.in)
		}
	}
}

func TestSayingCheck(t *testing.T) {
	long := strings.Repeat("长", incident.MaxTitle)
	tests := []struct {
		name   string
		kind   incident.Kind
		change func(*incident.Saying)
		want   string // empty: fine
	}{
		{"a text is enough", incident.Outage, func(*incident.Saying) {}, ""},
		{"everything", incident.Outage, func(s *incident.Saying) {
			*s = incident.Saying{Title: long, Status: incident.Monitoring, Impact: incident.Major, Components: states{"api": incident.PartialOutage}, Body: s.Body,
				NextUpdate: minute(1), Begin: minute(1), End: minute(2)}
		}, ""},
		{"a long title", incident.Outage, func(s *incident.Saying) { s.Title = long + "长" }, "the title has 201 characters: shorten it to 200"},
		{"two titles", incident.Outage, func(s *incident.Saying) { s.Title = "a\nb" }, "more than one line"},
		{"a status of another kind", incident.Outage, func(s *incident.Saying) { s.Status = incident.Completed }, `no incident can be "completed": use investigating`},
		{"a status of a maintenance", incident.Maintenance, func(s *incident.Saying) { s.Status = incident.Completed }, ""},
		{"no status", incident.Notice, func(s *incident.Saying) { s.Status = "gone" }, `no notice can be "gone": use published or closed`},
		{"no impact", incident.Outage, func(s *incident.Saying) { s.Impact = "huge" }, `"huge" is not an impact`},
		{"no state", incident.Outage, func(s *incident.Saying) { s.Components = states{"api": "broken"} }, `"broken" is not a state of component api`},
		{"a promise that has passed", incident.Outage, func(s *incident.Saying) { s.NextUpdate = noon }, "which has passed: give a later time"},
		{"a window backwards", incident.Maintenance, func(s *incident.Saying) { s.Begin, s.End = minute(2), minute(2) }, "ends before it begins"},
		{"no text", incident.Outage, func(s *incident.Saying) { s.Body = nil }, "there is no text"},
		{"an empty text", incident.Outage, func(s *incident.Saying) { s.Body = incident.Text{"en": "a", "zh": " \n "} }, `the text in "zh" is empty`},
		{"a text as long as can be", incident.Outage, func(s *incident.Saying) { s.Body = incident.Text{"en": strings.Repeat("é", incident.MaxBody)} }, ""},
		{"a longer one", incident.Outage, func(s *incident.Saying) { s.Body = incident.Text{"en": strings.Repeat("é", incident.MaxBody+1)} }, "has 20001 characters: shorten it to 20000"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := incident.Saying{Body: incident.Text{"en": "Down."}}
			test.change(&s)
			err := s.Check(test.kind, noon)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v; want %q", err, test.want)
			}
		})
	}
}
