package broadcast

import "testing"

func TestProgress(t *testing.T) {
	for want, p := range map[string]Progress{
		"0":        {},
		"5 · 30/s": {Told: 5, Passed: 5, People: 1, Speed: 30}, // who came since they were counted
		"36 120 of 1.2 M · 30/s · done in 11 h":     {Told: 36_120, Passed: 36_120, People: 1_200_000, Speed: 30},
		"50 of 100 · 10/s · done in 5 s · 1 unsure": {Told: 50, Unsure: 1, Passed: 102, People: 200, Speed: 10},
		"200 of 202 · 10/s · 2 failed":              {Told: 200, Failed: 2, Passed: 202, People: 202, Speed: 10},
		"402 207 of 402 294 · 87 unsure":            {Told: 402_207, Unsure: 87, Passed: 997_386, People: 997_386},
		"4022 of 402 000 · 87 unsure":               {Told: 4022, Unsure: 87, Passed: 10_201, People: 997_386},
		"0 of 200":                                  {People: 200},
		"1000 of 9999 · 1/s · done in 2 h":          {Told: 1000, Passed: 1000, People: 9999, Speed: 1.25},
		"10 000 of 5.0 M · 1000/s · done in 83 min": {Told: 10_000, Passed: 10_000, People: 5_000_000, Speed: 1000},
		"10 of 5.0 M · 20/s · done in 3 days":       {Told: 10, Passed: 10, People: 5_000_000, Speed: 20},
		"10 of 500 000 · 208/s · done in 40 min":    {Told: 10, Passed: 100, People: 5_000_000, Speed: 208},
		"100 of 700 · 60/s · done in 20 s":          {Told: 100, Passed: 100, People: 700, Speed: 60, Paid: 300, Unpaid: 20},
		"100 of 700 · 60/s · done in 10 s":          {Told: 100, Passed: 100, People: 700, Speed: 60, Paid: 1000, Unpaid: 20},
		"400 of 700 · 60/s · done in 15 s":          {Told: 400, Passed: 400, People: 700, Speed: 60, Unpaid: 20}, // a moment ago they were paid for
		"400 of 700 · 10/s · done in 30 s":          {Told: 400, Passed: 400, People: 700, Speed: 10, Unpaid: 20}, // something else is told too
	} {
		if got := p.String(); got != want {
			t.Errorf("%+v is %q, want %q", p, got, want)
		}
	}
}
