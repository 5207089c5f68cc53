package templates

import (
	"testing"
	"time"
)

func TestCalendar(t *testing.T) {
	s := mustLoad(t, "")
	at := func(s string) time.Time {
		t.Helper()
		parsed, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for _, test := range []struct{ said, begin, end, zone, want, chinese string }{
		{"2026-11-30 12:18", "2026-11-30 13:00", "", "UTC", "13:00 UTC", "13:00 UTC"},
		{"2026-11-30 12:18", "2026-11-30 13:00", "", "Asia/Singapore", "13:00 UTC (21:00 Singapore)", "13:00 UTC（新加坡时间 21:00）"},
		{"2026-11-30 12:18", "2026-11-30 13:00", "", "Asia/Shanghai", "13:00 UTC (21:00 Beijing)", "13:00 UTC（北京时间 21:00）"},
		{"2026-11-30 12:18", "2026-12-01 02:00", "", "Asia/Singapore", "1 Dec 02:00 UTC (10:00 Singapore)", "12月1日 02:00 UTC（新加坡时间 10:00）"},
		{"2026-11-30 15:30", "2026-11-30 16:30", "", "Asia/Singapore", "16:30 UTC (1 Dec 00:30 Singapore)", "16:30 UTC（新加坡时间 12月1日 00:30）"},
		{"2026-11-30 23:00", "2026-11-30 23:30", "", "Asia/Singapore", "23:30 UTC (07:30 Singapore)", "23:30 UTC（新加坡时间 07:30）"},
		{"2026-11-30 23:30", "2026-12-01 00:30", "", "America/New_York", "1 Dec 00:30 UTC (30 Nov 19:30 New York)", "12月1日 00:30 UTC（纽约时间 11月30日 19:30）"},
		{"2026-12-31 12:18", "2027-01-01 02:00", "", "Asia/Kolkata", "1 Jan 2027 02:00 UTC (07:30 Kolkata)", "2027年1月1日 02:00 UTC（印度时间 07:30）"},
		{"2026-11-30 12:18", "2026-11-30 13:00", "", "America/Argentina/Buenos_Aires", "13:00 UTC (10:00 Buenos Aires)", "13:00 UTC（Buenos Aires 10:00）"},
		{"2026-11-30 12:18", "2026-11-30 13:00", "", "Etc/GMT-8", "13:00 UTC (21:00 UTC+8)", "13:00 UTC（UTC+8 21:00）"},
		{"2026-11-30 12:18", "2026-11-30 13:00", "", "CET", "13:00 UTC (14:00 CET)", "13:00 UTC（CET 14:00）"},
		{"2026-07-30 12:18", "2026-07-30 13:00", "", "Europe/London", "13:00 UTC (14:00 London)", "13:00 UTC（伦敦时间 14:00）"},
		{"2026-11-30 12:18", "2026-11-30 13:00", "", "Europe/London", "13:00 UTC", "13:00 UTC"},
		{"2026-11-30 12:18", "2026-12-01 02:00", "2026-12-01 04:00", "Asia/Singapore", "1 Dec 02:00–04:00 UTC (10:00–12:00 Singapore)", "12月1日 02:00–04:00 UTC（新加坡时间 10:00–12:00）"},
		{"2026-11-30 12:18", "2026-12-01 22:00", "2026-12-02 01:00", "Asia/Singapore", "1 Dec 22:00–2 Dec 01:00 UTC (2 Dec 06:00–09:00 Singapore)", "12月1日 22:00–12月2日 01:00 UTC（新加坡时间 12月2日 06:00–09:00）"},
	} {
		zone, err := time.LoadLocation(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		end := test.end
		if end == "" {
			end = test.begin
		}
		for language, want := range map[string]string{"en": test.want, "zh-Hans": test.chinese} {
			c := calendar{words: s.find("", language), said: at(test.said), zone: zone}
			if got, err := c.span(at(test.begin), at(end)); err != nil || got != want {
				t.Errorf("%s to %s said at %s in %s: %q, %v, want %q", test.begin, end, test.said, test.zone, got, err, want)
			}
		}
	}
}

func TestZoneNames(t *testing.T) {
	for offset, want := range map[int]string{8 * 3600: "UTC+8", -(3*3600 + 1800): "UTC-3:30", 20_700: "UTC+5:45"} {
		if got := zoneName(noon.In(time.FixedZone("", offset))); got != want {
			t.Errorf("offset %d is %s, want %s", offset, got, want)
		}
	}
	if got := zoneName(noon.In(time.FixedZone("SGT", 8*3600))); got != "SGT" {
		t.Errorf("SGT is %s", got)
	}
}

func TestPromise(t *testing.T) {
	s := mustLoad(t, "")
	m := Message{Form: Update, Ref: "INC-1/2", Body: "x", At: noon, NextUpdate: noon.Add(42 * time.Minute), WasNext: noon.Add(12 * time.Minute)}
	text := checkFit(t, s, "telegram", "en", m, nominal("telegram"))
	if want := "x\n\nNext update by 13:00 UTC (was 12:30 UTC)\n\nINC-1/2 · 12:18 UTC"; text.String != want {
		t.Errorf("got:\n%s", text.String)
	}
}
