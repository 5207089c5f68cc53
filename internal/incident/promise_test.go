package incident_test

import (
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

func mustZone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func mustTime(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestPromiseDue(t *testing.T) {
	tests := []struct {
		promise incident.Promise
		now     string
		zone    string
		want    string // empty: promises nothing
	}{
		{incident.Promise{}, "2026-03-01T12:00:00Z", "UTC", ""},
		{incident.Promise{None: true}, "2026-03-01T12:00:00Z", "UTC", ""},
		{incident.Promise{In: 20 * time.Minute}, "2026-03-01T23:50:30Z", "UTC", "2026-03-02T00:10:30Z"},
		{incident.Promise{At: "14:30"}, "2026-03-01T12:00:00Z", "UTC", "2026-03-01T14:30:00Z"},
		{incident.Promise{At: "9:05"}, "2026-03-01T08:00:00Z", "UTC", "2026-03-01T09:05:00Z"},
		{incident.Promise{At: "14:30"}, "2026-03-01T14:30:00Z", "UTC", "2026-03-02T14:30:00Z"},
		{incident.Promise{At: "14:30"}, "2026-03-01T05:00:00Z", "Asia/Singapore", "2026-03-01T06:30:00Z"},
		{incident.Promise{At: "00:30"}, "2026-03-01T17:00:00Z", "Asia/Singapore", "2026-03-02T16:30:00Z"},
		{incident.Promise{At: "14:30 utc"}, "2026-03-01T12:00:00Z", "Asia/Singapore", "2026-03-01T14:30:00Z"},
		{incident.Promise{At: "14:30 GMT"}, "2026-03-01T12:00:00Z", "Asia/Singapore", "2026-03-01T14:30:00Z"},
		{incident.Promise{At: "14:30 asia/singapore"}, "2026-03-01T05:00:00Z", "UTC", "2026-03-01T06:30:00Z"},
		{incident.Promise{At: "14:30 america/new_york"}, "2026-03-01T12:00:00Z", "UTC", "2026-03-01T19:30:00Z"},
		{incident.Promise{At: "14:30 America/Port-au-Prince"}, "2026-03-01T12:00:00Z", "UTC", "2026-03-01T19:30:00Z"},
		// The clocks in New York go forward in the night to 8 March.
		{incident.Promise{At: "10:00"}, "2026-03-07T15:30:00Z", "America/New_York", "2026-03-08T14:00:00Z"},
	}
	for _, test := range tests {
		due, err := test.promise.Due(mustTime(t, test.now), mustZone(t, test.zone))
		got := ""
		if !due.IsZero() {
			got = due.Format(time.RFC3339)
		}
		if err != nil || got != test.want {
			t.Errorf("%+v made at %s in %s is due %q, %v; want %q", test.promise, test.now, test.zone, got, err, test.want)
		}
	}
}

func TestPromiseDueRefuses(t *testing.T) {
	tests := []struct{ at, want string }{
		{"25:00", "no time of day"},
		{"14:60", "no time of day"},
		{"14:30 Mars/Olympus", "no time zone"},
		{"14:30 UTC+8", "no time zone"},
		{"14:30 local", "no time zone"},
		{"14:30 ../../etc/passwd", "no time zone"},
	}
	for _, test := range tests {
		due, err := incident.Promise{At: test.at}.Due(time.Now(), time.UTC)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q is due %v, %v; want %q", test.at, due, err, test.want)
		}
	}
}
