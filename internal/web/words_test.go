package web

import (
	"reflect"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/internal/incident"
)

// A language is complete when every word of it is there.
func TestWordsAreComplete(t *testing.T) {
	for _, w := range []*tongue{english(), chinese()} {
		v := reflect.ValueOf(*w)
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if v.Field(i).IsZero() && !(name == "Zones" && w.Tag == "en") {
				t.Errorf("%s: %s is missing", w.Tag, name)
			}
		}
		for _, k := range incident.Kinds {
			if w.Kinds[k] == "" {
				t.Errorf("%s: no word for %s", w.Tag, k)
			}
			for _, s := range k.Statuses() {
				if w.Statuses[s] == "" {
					t.Errorf("%s: no word for %s", w.Tag, s)
				}
			}
		}
		for _, s := range incident.ComponentStates {
			if w.States[s] == "" || w.Overall[s] == "" {
				t.Errorf("%s: no words for %s", w.Tag, s)
			}
		}
		for _, i := range incident.Impacts {
			if w.Impacts[i] == "" {
				t.Errorf("%s: no word for %s", w.Tag, i)
			}
		}
		for _, text := range []string{w.NextUpdate, w.NextDue, w.Began, w.Ended, w.Withdrawn, w.Window, w.Corrected, w.WasWithdrawn, w.Original, w.Lasted} {
			if strings.Count(text, "%") != 1 || !strings.Contains(text, "%s") {
				t.Errorf("%s: %q has no place for what it is about", w.Tag, text)
			}
		}
	}
}

func TestOverall(t *testing.T) {
	w := english()
	scheduled := &incident.Incident{Kind: incident.Maintenance, Status: incident.Scheduled, Components: map[string]incident.ComponentState{"login": incident.UnderMaintenance}}
	begun := &incident.Incident{Kind: incident.Maintenance, Status: incident.InProgress, Components: scheduled.Components}
	vague := &incident.Incident{Kind: incident.Outage, Impact: incident.Minor, Status: incident.Investigating}
	harmless := &incident.Incident{Kind: incident.Outage, Impact: incident.ImpactNone, Status: incident.Monitoring}
	partial := &incident.Incident{Kind: incident.Outage, Impact: incident.Major, Components: map[string]incident.ComponentState{"login": incident.PartialOutage}}
	notice := &incident.Incident{Kind: incident.Notice, Impact: incident.Major, Status: incident.Published}
	for _, c := range []struct {
		open  []*incident.Incident
		state incident.ComponentState
		text  string
	}{
		{nil, incident.Operational, "Everything works."},
		{[]*incident.Incident{scheduled, harmless, notice}, incident.Operational, "Everything works."},
		{[]*incident.Incident{begun}, incident.UnderMaintenance, "Planned maintenance is under way."},
		{[]*incident.Incident{begun, vague}, incident.DegradedPerformance, "We are looking into a problem."},
		{[]*incident.Incident{begun, partial, vague}, incident.PartialOutage, "Some services do not work for everyone."},
		{[]*incident.Incident{partial, begun}, incident.PartialOutage, "Some services do not work for everyone."},
	} {
		if state, text := overall(w, present(c.open), c.open); state != c.state || text != c.text {
			t.Errorf("%d open: %s %q, want %s %q", len(c.open), state, text, c.state, c.text)
		}
	}
}
