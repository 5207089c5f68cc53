package people

import (
	"testing"

	"github.com/allclear-hq/allclear/internal/incident"
)

// What is more urgent goes before what is newer, and what is newer before what
// has used less of its share, both unless it is less grave.
func TestWhichWalkGoesOn(t *testing.T) {
	walk := func(id int64, impact incident.Impact) *Walk {
		return &Walk{ID: id, Version: 2, Incident: incident.Incident{Impact: impact}}
	}
	minor, major, critical := walk(1, incident.Minor), walk(2, incident.Major), walk(3, incident.Critical)
	light := walk(4, incident.Minor)
	r := &run{shares: map[int64]float64{1: 10, 2: 20, 3: 30, 4: 30.5}, begun: map[int64]int64{}}
	for _, tt := range []struct {
		name  string
		a, b  upcoming
		begun map[int64]int64 // those in which nothing is new
		want  bool
	}{
		{"an all clear", upcoming{walk: major, urgency: 1}, upcoming{walk: minor, urgency: 2}, map[int64]int64{2: 2}, true},
		{"an all clear of what is less grave", upcoming{walk: minor, urgency: 1}, upcoming{walk: critical, urgency: 2}, map[int64]int64{1: 2}, false},
		{"an all clear of what is less grave, which has used less", upcoming{walk: minor, urgency: 1}, upcoming{walk: critical, urgency: 2}, map[int64]int64{3: 2}, true},
		{"an all clear of what is less grave, which has used more", upcoming{walk: light, urgency: 1}, upcoming{walk: critical, urgency: 2}, map[int64]int64{3: 2}, false},
		{"new and graver", upcoming{walk: critical}, upcoming{walk: minor}, map[int64]int64{1: 2}, true},
		{"new again and graver", upcoming{walk: critical}, upcoming{walk: minor}, map[int64]int64{1: 2, 3: 1}, true},
		{"new and less grave, which has used less", upcoming{walk: minor}, upcoming{walk: major}, map[int64]int64{2: 2}, true},
		{"new and less grave, which has used more", upcoming{walk: light}, upcoming{walk: critical}, map[int64]int64{3: 2}, false},
		{"both new", upcoming{walk: major}, upcoming{walk: critical}, nil, true},
		{"neither new", upcoming{walk: critical}, upcoming{walk: minor}, map[int64]int64{1: 2, 3: 2}, false},
	} {
		r.begun = tt.begun
		if got := r.before(&tt.a, &tt.b); got != tt.want {
			t.Errorf("%s goes before: %v", tt.name, got)
		}
		if r.before(&tt.a, &tt.b) == r.before(&tt.b, &tt.a) {
			t.Errorf("%s: both go before the other", tt.name)
		}
	}
}

// What waits for something more urgent goes last, though it has used least.
func TestWhatGoesFirst(t *testing.T) {
	walk := func(id int64, impact incident.Impact) *Walk {
		return &Walk{ID: id, Incident: incident.Incident{Impact: impact}}
	}
	end := &upcoming{walk: walk(1, incident.Major), urgency: 1}
	minor := &upcoming{walk: walk(2, incident.Minor), urgency: 2}
	critical := &upcoming{walk: walk(3, incident.Critical), urgency: 2}
	r := &run{shares: map[int64]float64{1: 30, 2: 10, 3: 20}, begun: map[int64]int64{}}
	for _, ready := range [][]*upcoming{{end, minor, critical}, {minor, critical, end}, {critical, minor, end}, {critical, end, minor}} {
		if r.first(ready) != critical {
			t.Errorf("of %v comes another first than what has used less and is graver", ready)
		}
	}
	if r.first([]*upcoming{minor, end}) != end || r.first(nil) != nil {
		t.Error("what is more urgent does not come first")
	}
}
