package web

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/internal/browser"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// everything is a site with all that the pages have a shape for.
func everything(t *testing.T) string {
	t.Helper()
	if storetest.IsPostgres() {
		t.Skip("it is not about the store")
	}
	now := time.Now().UTC()
	ago := func(minutes int) time.Time { return now.Add(time.Duration(-minutes) * time.Minute) }
	open := outage(1, "Login and withdrawals are unavailable", "Since 12:01 UTC nobody can log in.", ago(90))
	open.Impact = incident.Critical
	open.Components = map[string]incident.ComponentState{"login": incident.MajorOutage, "withdrawals": incident.PartialOutage, "deposits": incident.DegradedPerformance}
	open.Say(incident.Saying{Status: incident.Identified, Body: incident.Text{"en": "A cable.", "zh-Hans": "光缆故障。"}}, "Ana", nil, ago(80))
	open.Say(incident.Saying{Status: incident.Identified, Body: incident.Text{"en": "A storage upgrade failed. " + strings.Repeat("We move to the standby site. ", 30)}, NextUpdate: now.Add(time.Hour)}, "Ana", nil, ago(70))
	open.Updates[0].Revisions = append(open.Updates[0].Revisions, incident.Revision{Title: "Login is unavailable", Body: incident.Text{"en": "Since 12:02 UTC nobody can log in."}, At: ago(60)})
	open.Updates[1].Retraction = &incident.Retraction{At: ago(75), Reason: "It was no cable."}
	minor := outage(2, "Prices come late", "Some prices are seconds old.", ago(30))
	minor.Impact = incident.Minor
	notice := &incident.Incident{Ref: incident.Ref{Prefix: "NTC", Number: 1}, Kind: incident.Notice, CreatedAt: ago(20)}
	notice.Say(incident.Saying{Title: "We were not hacked", Status: incident.Published, Body: incident.Text{"en": "No funds have moved.", "zh-Hans": "资金没有变动。"}}, "Ana", nil, ago(20))
	planned := &incident.Incident{Ref: incident.Ref{Prefix: "MNT", Number: 1}, Kind: incident.Maintenance, CreatedAt: ago(10), Begin: now.Add(48 * time.Hour), End: now.Add(50 * time.Hour)}
	planned.Say(incident.Saying{Title: "Database upgrade", Status: incident.Scheduled, Body: incident.Text{"en": "Deposits pause."}, Components: map[string]incident.ComponentState{"deposits": incident.MajorOutage}}, "Ana", nil, ago(10))
	over := outage(3, "Deposits were late", "Deposits are late.", ago(3000))
	over.Say(incident.Saying{Status: incident.Resolved, Body: incident.Text{"en": "Over."}}, "Ana", nil, ago(2900))
	p := mustPages(t, &memory{incidents: []*incident.Incident{open, minor, notice, planned, over}}, func(c *PagesConfig) {
		c.URL = ""
	})
	if err := p.Invite(t.Context(), "https://t.me/allclear_bot"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return server.URL
}

// What WCAG 2.2 asks at level AA holds on every page, in both languages and
// colour schemes, on a wide screen and on one of 320 pixels (or at 400 %).
func TestBrowserPagesAreAccessible(t *testing.T) {
	url := everything(t)
	b := browser.Open(t, url)
	for _, path := range []string{"/", "/incidents/INC-1", "/incidents/INC-3", "/none"} {
		for _, lang := range []string{"en", "zh-Hans"} {
			b.Go(url + path + "?lang=" + lang)
			b.Eval(`document.querySelectorAll("details").forEach((d) => d.open = true); 1`)
			for _, width := range []int{1280, 320} {
				for _, scheme := range []string{"light", "dark"} {
					b.Screen(width, 900, "prefers-color-scheme", scheme)
					b.Accessible(fmt.Sprintf("%s, %s, %d wide, %s", path, lang, width, scheme))
				}
			}
		}
	}
}

func TestBrowserPagesByKeyboard(t *testing.T) {
	url := everything(t)
	b := browser.Open(t, url)
	for _, c := range []struct {
		path, scheme string
		width        int
	}{{"/", "light", 320}, {"/incidents/INC-1", "dark", 1280}} {
		b.Go(url + c.path)
		b.Screen(c.width, 900, "prefers-color-scheme", c.scheme)
		b.Walkable(c.path, 60)
		if got := b.Eval(`[...document.querySelectorAll("a[href], summary")].filter((n) => n.checkVisibility() && !visited.has(n)).map((n) => n.textContent).join()`); got != "" {
			t.Errorf("%s: Tab does not lead to %s", c.path, got)
		}
	}
}

// What planned work will do is no state yet: neither words nor a symbol, which
// would tell it to those alone who see it.
func TestPlannedWorkShowsNoStateYet(t *testing.T) {
	i := &incident.Incident{Ref: incident.Ref{Prefix: "MNT", Number: 1}, Kind: incident.Maintenance, CreatedAt: noon, Begin: noon.AddDate(1, 0, 0)}
	i.Say(incident.Saying{Title: "Upgrade", Status: incident.Scheduled, Body: incident.Text{"en": "Login pauses."},
		Components: map[string]incident.ComponentState{"login": incident.MajorOutage}}, "Ana", nil, noon)
	p := mustPages(t, &memory{incidents: []*incident.Incident{i}})
	wantText(t, withoutStyle(get(p, "/").Body.String()), `<li class="s-under_maintenance">`, "-major_outage")
	i.Say(incident.Saying{Status: incident.InProgress, Body: incident.Text{"en": "It begins."}}, "Ana", nil, noon)
	wantText(t, withoutStyle(get(mustPages(t, &memory{incidents: []*incident.Incident{i}}), "/").Body.String()), `<li class="s-major_outage">`, "Unavailable")
}
