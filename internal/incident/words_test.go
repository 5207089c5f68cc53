package incident_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/internal/incident"
)

func TestParseUpdateRef(t *testing.T) {
	tests := []struct {
		in     string
		ref    string
		update int
	}{
		{"INC-12", "INC-12", 0},
		{"inc12", "INC-12", 0},
		{"Inc-12/3", "INC-12", 3},
		{"mnt3/1", "MNT-3", 1},
		{"NTC-5", "NTC-5", 0},
		{"drl-4/2", "DRL-4", 2},
		{" INC-12 ", "INC-12", 0},
		{"INC-12／3", "INC-12", 3},
		{"INC-999999999/999999", "INC-999999999", 999999},
	}
	for _, test := range tests {
		ref, n, err := incident.ParseUpdateRef(test.in)
		if err != nil || ref.String() != test.ref || n != test.update {
			t.Errorf("ParseUpdateRef(%q) = %v, %d, %v; want %s, %d", test.in, ref, n, err, test.ref, test.update)
		}
	}
}

func TestParseUpdateRefRefuses(t *testing.T) {
	for _, in := range []string{
		"", "12", "INC", "INC-", "INC-0", "INC-012", "INC-12/", "INC-12/0", "INC-12/3/4", "D-17", "FOO-1",
		"INC-1234567890", "INC-12/1234567", "INC--12", "INC-1 2", "INC-12/3 and more", "ⅠNC-12", "INC-１２",
	} {
		if ref, n, err := incident.ParseUpdateRef(in); err == nil {
			t.Errorf("ParseUpdateRef(%q) = %v, %d; want an error", in, ref, n)
		} else if !strings.Contains(err.Error(), "write it like INC-12") {
			t.Errorf("ParseUpdateRef(%q): %v; it does not say what to write", in, err)
		}
	}
}

func TestParseRef(t *testing.T) {
	ref, err := incident.ParseRef("ntc5")
	if want := (incident.Ref{Prefix: "NTC", Number: 5}); err != nil || ref != want {
		t.Errorf(`ParseRef("ntc5") = %v, %v; want %v`, ref, err, want)
	}
	if _, err := incident.ParseRef("INC-12/3"); err == nil || !strings.Contains(err.Error(), "write INC-12 for the incident") {
		t.Errorf(`ParseRef("INC-12/3"): %v; want advice to leave the update out`, err)
	}
}

func FuzzParseUpdateRef(f *testing.F) {
	for _, s := range []string{"INC-12", "inc12/3", "MNT-3", "D-17", "INC-0", "INC-12／3", "INC-999999999/999999", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, n, err := incident.ParseUpdateRef(s)
		if err != nil {
			return
		}
		if ref.Number < 1 || n < 0 {
			t.Fatalf("ParseUpdateRef(%q) = %v, %d", s, ref, n)
		}
		again, err := incident.ParseRef(ref.String())
		if err != nil || again != ref {
			t.Fatalf("ParseRef(%q) = %v, %v; want %v", ref, again, err, ref)
		}
	})
}

func TestPrefix(t *testing.T) {
	for _, k := range incident.Kinds {
		want := map[incident.Kind]string{incident.Outage: "INC", incident.Maintenance: "MNT", incident.Notice: "NTC"}[k]
		if got := incident.Prefix(k, false); got != want {
			t.Errorf("Prefix(%s, false) = %s, want %s", k, got, want)
		}
		if got := incident.Prefix(k, true); got != "DRL" {
			t.Errorf("Prefix(%s, true) = %s, want DRL", k, got)
		}
	}
}

func TestStatuses(t *testing.T) {
	ended := map[incident.Kind][]incident.Status{}
	for _, k := range incident.Kinds {
		if !k.Has(k.First()) || k.First().Ended() {
			t.Errorf("a %s begins as %s, which is over or not one of its statuses", k, k.First())
		}
		for _, s := range k.Statuses() {
			if s.Ended() {
				ended[k] = append(ended[k], s)
			}
		}
	}
	want := map[incident.Kind][]incident.Status{
		incident.Outage:      {incident.Resolved, incident.Postmortem},
		incident.Maintenance: {incident.Completed},
		incident.Notice:      {incident.Closed},
	}
	if diff := cmp.Diff(want, ended); diff != "" {
		t.Errorf("all clears (-want +got):\n%s", diff)
	}
}

func TestImpacts(t *testing.T) {
	for k, i := range incident.Impacts {
		if !i.Valid() || !i.Component().Valid() {
			t.Errorf("%q is listed but not valid", i)
		}
		for m, other := range incident.Impacts {
			if got := i.Worse(other); got != (k > m) {
				t.Errorf("%s.Worse(%s) = %v", i, other, got)
			}
		}
	}
	for _, s := range []incident.Impact{"", "Critical", "huge"} {
		if s.Valid() {
			t.Errorf("%q is valid", s)
		}
	}
	if !incident.Minor.Worse("") {
		t.Error("an impact is not worse than none that was given")
	}
}
