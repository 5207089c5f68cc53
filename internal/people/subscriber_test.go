package people

import (
	"testing"

	"github.com/allclear-hq/allclear/internal/incident"
)

func TestConcerned(t *testing.T) {
	outage := func(impact incident.Impact, components ...string) *incident.Incident {
		i := &incident.Incident{Ref: incident.Ref{Prefix: "INC", Number: 12}, Kind: incident.Outage, Impact: impact, Components: map[string]incident.ComponentState{}}
		for _, id := range components {
			i.Components[id] = incident.MajorOutage
		}
		return i
	}
	notice := outage(incident.ImpactNone)
	notice.Kind = incident.Notice
	everything := Subscriber{All: true, Impact: incident.ImpactNone}
	worst := Subscriber{All: true, Impact: incident.Critical}
	login := Subscriber{Components: []string{"login", "api"}, Impact: incident.ImpactNone}
	one := Subscriber{Incidents: []string{"INC-12"}, Impact: incident.Critical}
	other := Subscriber{Incidents: []string{"INC-1"}}
	for name, tt := range map[string]struct {
		s    Subscriber
		i    *incident.Incident
		want bool
	}{
		"everything":                {everything, outage(incident.Minor, "login"), true},
		"bad enough":                {worst, outage(incident.Critical, "login"), true},
		"not bad enough":            {worst, outage(incident.Major, "login"), false},
		"a notice is for all":       {worst, notice, true},
		"a component of his":        {login, outage(incident.Minor, "login", "deposits"), true},
		"another component":         {login, outage(incident.Critical, "deposits"), false},
		"no component named":        {login, outage(incident.Minor), true},
		"followed":                  {one, outage(incident.Minor, "deposits"), true},
		"another one followed":      {other, outage(incident.Critical), false},
		"a notice, one is followed": {other, notice, false},
	} {
		if got := tt.s.Concerned(tt.i); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
