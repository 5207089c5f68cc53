package desk

import (
	"testing"
	"time"
)

func TestCrowdIsToldByWhen(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for want, c := range map[string]Crowd{
		"people  nobody is subscribed":                                   {Name: "people"},
		"people  not counted yet":                                        {Name: "people", Uncounted: true, Speed: 30},
		"people  1.2 M · 36 000 before the next update · all in 11 h":    {Name: "people", People: 1_200_000, Speed: 30},
		"people  3000 · all in 2 min":                                    {Name: "people", People: 3000, Speed: 30},
		"people  1.2 M · all in 20 min":                                  {Name: "people", People: 1_200_000, Speed: 30, Paid: 2_000_000, PaidSpeed: 1000},
		"people  3.0 M · 1.2 M before the next update · all in 50 min":   {Name: "people", People: 3_000_000, Speed: 30, Paid: 5_000_000, PaidSpeed: 1000},
		"people  60 000 · 45 700 before the next update · all in 28 min": {Name: "people", People: 60_000, Speed: 30, Paid: 10_000, PaidSpeed: 1000},
		"people  1.2 M · frozen":                                         {Name: "people", People: 1_200_000, Speed: 30, Frozen: true},
		"people  950":                                                    {Name: "people", People: 950},
	} {
		if got := c.reached(now.Add(20*time.Minute), now); got != want {
			t.Errorf("%+v is %q, want %q", c, got, want)
		}
	}
}
