package incident_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/allclear-hq/allclear/internal/incident"
)

func known(word string) (string, bool) {
	return word, slices.Contains([]string{"login", "deposits", "card", "major"}, word)
}

func TestParseScope(t *testing.T) {
	tests := []struct {
		words string
		want  incident.Scope
		wrong string // part of the question; empty for none
	}{
		{"critical +deposits login=partial -card", incident.Scope{Impact: incident.Critical,
			Components: states{"deposits": "", "login": incident.PartialOutage, "card": incident.Operational}}, ""},
		{"deposits", incident.Scope{Components: states{"deposits": ""}}, ""},
		{"MINOR Login=DOWN", incident.Scope{Impact: incident.Minor, Components: states{"login": incident.MajorOutage}}, ""},
		{"＋deposits login＝ok", incident.Scope{Components: states{"deposits": "", "login": incident.Operational}}, ""},
		{"login=under_maintenance card=slow", incident.Scope{Components: states{"login": incident.UnderMaintenance, "card": incident.DegradedPerformance}}, ""},
		{"+login=degraded", incident.Scope{Components: states{"login": incident.DegradedPerformance}}, ""},
		{"login=partial login=partial_outage", incident.Scope{Components: states{"login": incident.PartialOutage}}, ""},
		{"", incident.Scope{}, ""},

		{"critical withdrawls", incident.Scope{}, `"withdrawls" is neither an impact nor a component`},
		{"major minor", incident.Scope{}, "there are two impacts, major and minor: give one"},
		{"login=broken", incident.Scope{}, `"broken" is no state of login: use ok, degraded, partial, major or maintenance`},
		{"login=", incident.Scope{}, `"" is no state of login`},
		{"login = partial", incident.Scope{}, `"=" is`},
		{"-login=partial", incident.Scope{}, "both takes a component away and gives it a state"},
		{"+login -login", incident.Scope{}, "login is given two states: give one"},
		{"+", incident.Scope{}, `"+" is neither`},
	}
	for _, test := range tests {
		got, err := incident.ParseScope(strings.Fields(test.words), known)
		if test.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%q: %+v, %v; want %q", test.words, got, err, test.wrong)
			}
			continue
		}
		if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("%q: %v (-want +got):\n%s", test.words, err, diff)
		}
	}
}

func TestScopeNews(t *testing.T) {
	i := &incident.Incident{Impact: incident.Major, Components: states{"login": incident.MajorOutage, "card": incident.PartialOutage}}
	tests := []struct{ scope, want incident.Scope }{
		{incident.Scope{Impact: incident.Major}, incident.Scope{}},
		{incident.Scope{Impact: incident.Minor, Components: states{"deposits": ""}},
			incident.Scope{Impact: incident.Minor, Components: states{"deposits": incident.DegradedPerformance}}},
		{incident.Scope{Components: states{"deposits": "", "login": ""}}, incident.Scope{Components: states{"deposits": incident.MajorOutage}}},
		{incident.Scope{Components: states{"card": incident.Operational, "deposits": incident.Operational}},
			incident.Scope{Components: states{"card": incident.Operational}}},
	}
	for _, test := range tests {
		got := test.scope.News(i)
		if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.scope, diff)
		}
		if got.Empty() != test.want.Empty() || !got.Equal(test.want) {
			t.Errorf("%v is empty %v and equal %v", got, got.Empty(), got.Equal(test.want))
		}
	}
}

func TestScopeOver(t *testing.T) {
	below := incident.Scope{Impact: incident.Minor, Components: states{"login": incident.MajorOutage, "card": incident.PartialOutage}}
	got := incident.Scope{Components: states{"login": incident.Operational}}.Over(below)
	want := incident.Scope{Impact: incident.Minor, Components: states{"login": incident.Operational, "card": incident.PartialOutage}}
	if diff := cmp.Diff(want, got); diff != "" || below.Components["login"] != incident.MajorOutage {
		t.Errorf("below %v (-want +got):\n%s", below, diff)
	}
	if s := got.String(); s != "minor, card partial outage, login operational" {
		t.Errorf("it reads %q", s)
	}
}

// FuzzParseScope checks that whatever is typed is asked about in one line, or
// changes only what there is, and that nothing is news twice.
func FuzzParseScope(f *testing.F) {
	for _, s := range []string{"critical +deposits login=partial -card", "＋deposits login＝ok", "-login=partial", "+ = -", "login=\xff", "major minor", "\x00", "İ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, words string) {
		s, err := incident.ParseScope(strings.Fields(words), known)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("%q: %v", words, err)
			}
			return
		}
		i := &incident.Incident{Impact: incident.Minor, Components: states{"login": incident.MajorOutage}}
		news := s.News(i)
		for id, state := range news.Components {
			if _, ok := known(id); !ok || !state.Valid() {
				t.Fatalf("%q changes %s to %q", words, id, state)
			}
		}
		i.Say(incident.Saying{Impact: news.Impact, Components: news.Components, Body: incident.Text{"en": "x"}}, "Ana", nil, minute(0))
		if again := news.News(i); !again.Empty() {
			t.Fatalf("%q is news twice: %v", words, again)
		}
	})
}
