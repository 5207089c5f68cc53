package desk_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

func TestCommand(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	d := desk.New(desk.Config{
		Channels:   []broadcast.Channel{{Name: "x", Account: "birds"}, {Name: "tg-en", Account: "tg"}},
		Components: map[string]string{"login": "Login", "withdrawals": "Withdrawals"},
		Languages:  []string{"en", "zh-Hans"}, Language: "en", Zone: time.FixedZone("SGT", 8*3600),
	})
	which := desk.Which{Update: "INC-1/2", Channel: "x"}
	tests := []struct {
		text string
		want desk.Command // nil: a question
		asks string
	}{
		{"/incident critical Login\nDown", desk.Open{Kind: incident.Outage, Saying: incident.Saying{Title: "Down", Impact: incident.Critical, Body: incident.Text{"": "Down"},
			Components: map[string]incident.ComponentState{"login": incident.MajorOutage}}}, ""},
		{"/incident login MINOR\nDown\nnext 1h", desk.Open{Kind: incident.Outage, Saying: incident.Saying{Title: "Down", Impact: incident.Minor, Body: incident.Text{"": "Down"},
			Components: map[string]incident.ComponentState{"login": incident.DegradedPerformance}, NextUpdate: now.Add(time.Hour)}}, ""},
		{"/incident critical\nDown\nnext none", desk.Open{Kind: incident.Outage, Saying: incident.Saying{Title: "Down", Impact: incident.Critical, Body: incident.Text{"": "Down"},
			Components: map[string]incident.ComponentState{}, NoNext: true}}, ""},
		{"/ack", desk.Ack{Components: map[string]incident.ComponentState{}}, ""},
		{"/ack Critical LOGIN\nnext 10m", desk.Ack{Impact: incident.Critical, Components: map[string]incident.ComponentState{"login": ""}, NextUpdate: now.Add(10 * time.Minute)}, ""},
		{"/ack mail", nil, `"mail" is neither an impact nor a component: the impacts are none, minor, major, critical; the components are login, withdrawals`},
		{"/ack login\nNobody can log in.", nil, "/ack has words of its own: to write some, use /incident"},
		{"/hold", desk.Hold{}, ""},
		{"/hold inc-1 next 10m", desk.Hold{Ref: "INC-1", NextUpdate: now.Add(10 * time.Minute)}, ""},
		{"/hold INC-1 We are on it.", nil, "/hold has words of its own"},
		{"/false_alarm INC-1", desk.FalseAlarm{Ref: "INC-1"}, ""},
		{"/scope INC-1 critical +login\nIt is worse.\nnext none", desk.Scope{Ref: "INC-1", Change: []string{"critical", "+login"},
			Saying: incident.Saying{Body: incident.Text{"": "It is worse."}, NoNext: true}}, ""},
		{"/update INC-1 next none", desk.Update{Ref: "INC-1", Saying: incident.Saying{NoNext: true}}, ""},
		{"/edit D-1", nil, "there is no text"},
		{"/incident critical login Login is down", nil, `"is" is neither an impact nor a component, and there is no title: write it on the line below /incident, the text below that`},
		{"/incident critical mail\nDown", nil, `"mail" is neither an impact nor a component`},
		{"/incident critical minor\nDown", nil, "two impacts"},
		{"/incident critical\nDown\nnext 25:00", nil, "no time of day"},
		{"/notice\nNot hacked\nNo.", desk.Open{Kind: incident.Notice, Saying: incident.Saying{Title: "Not hacked", Body: incident.Text{"": "No."}}}, ""},
		{"/notice Not hacked", nil, "write the title on the line below"},
		{"/maintenance 2026-12-01 02:00 04:00 login\nNew database", desk.Open{Kind: incident.Maintenance, Saying: incident.Saying{Title: "New database",
			Body: incident.Text{"": "New database"}, Components: map[string]incident.ComponentState{"login": incident.UnderMaintenance},
			Begin: time.Date(2026, 11, 30, 18, 0, 0, 0, time.UTC), End: time.Date(2026, 11, 30, 20, 0, 0, 0, time.UTC)}}, ""},
		{"/maintenance 2026-12-01 23:00 01:00\nNew database", desk.Open{Kind: incident.Maintenance, Saying: incident.Saying{Title: "New database",
			Body: incident.Text{"": "New database"}, Components: map[string]incident.ComponentState{},
			Begin: time.Date(2026, 12, 1, 15, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 1, 17, 0, 0, 0, time.UTC)}}, ""},
		{"/maintenance tomorrow\nNew database", nil, "write the window like 2026-12-01 02:00 04:00, in SGT"},
		{"/maintenance 1.12.2026 02:00 04:00\nNew database", nil, "write the window like"},
		{"/update inc1 More.\nnext 21:00", desk.Update{Ref: "INC1", Saying: incident.Saying{Body: incident.Text{"": "More."}, NextUpdate: now.Add(time.Hour)}}, ""},
		{"/resolve All works.", desk.Update{Saying: incident.Saying{Status: incident.Resolved, Body: incident.Text{"": "All works."}}}, ""},
		{"/scope critical", desk.Scope{Change: []string{"critical"}}, ""},
		{"/correct INC-1/2 Better.", desk.Correct{Ref: "INC-1/2", Body: incident.Text{"": "Better."}}, ""},
		{"/typo INC-1/2 Better.", desk.Correct{Ref: "INC-1/2", Body: incident.Text{"": "Better."}, Typo: true}, ""},
		{"/retract INC-1/2 It was wrong.", desk.Retract{Ref: "INC-1/2", Reason: "It was wrong."}, ""},
		{"/retract INC-1/2 deleted data was shown", desk.Retract{Ref: "INC-1/2", Reason: "deleted data was shown"}, ""},
		{"/retract INC-1/2 Delete leaked", desk.Retract{Ref: "INC-1/2", Reason: "leaked", Delete: true}, ""},
		{"/retract INC-1/2 delete\nleaked names", desk.Retract{Ref: "INC-1/2", Reason: "leaked names", Delete: true}, ""},
		{"/retract INC-1/2 delete", desk.Retract{Ref: "INC-1/2", Delete: true}, ""},
		{"/publish D-17 nobody is here", desk.Publish{Draft: "D-17", Reason: "nobody is here"}, ""},
		{"/reject D-17 no", desk.Reject{Draft: "D-17", Reason: "no"}, ""},
		{"/retry INC-1/2 x", desk.Retry{Which: which}, ""},
		{"/retry INC-1/2", nil, "say which: /retry INC-12/3 channel"},
		{"/skip INC-1/2 x, nobody reads it", desk.Skip{Which: which, Reason: "nobody reads it"}, ""},
		{"/skip x why", nil, "say which"},
		{"/posted INC-1/2 x\nhttps://x.com/a/status/1", desk.Posted{Which: which, URL: "https://x.com/a/status/1"}, ""},
		{"/freeze x wrong numbers", desk.Stop{Scope: "x", Reason: "wrong numbers"}, ""},
		{"/freeze X\nwrong numbers", desk.Stop{Scope: "X", Reason: "wrong numbers"}, ""},
		{"/freeze tg wrong numbers", desk.Stop{Scope: "tg", Reason: "wrong numbers"}, ""},
		{"/freeze inc1 wrong numbers", desk.Stop{Scope: "INC1", Reason: "wrong numbers"}, ""},
		{"/freeze wrong numbers on x", desk.Stop{Reason: "wrong numbers on x"}, ""},
		{"/freeze INC-1/2 is wrong", desk.Stop{Reason: "INC-1/2 is wrong"}, ""},
		{"/freeze D-17 leaked", desk.Stop{Reason: "D-17 leaked"}, ""},
		{"/freeze x", desk.Stop{Reason: "x"}, ""},
		{"/unfreeze", desk.Release{}, ""},
		{"/unfreeze x all", desk.Release{Scope: "x", Release: "all"}, ""},
		{"/unfreeze INC-1 Drop", desk.Release{Scope: "INC-1", Release: "drop"}, ""},
		{"/unfreeze x 12, walk-1-3", desk.Release{Scope: "x", Choose: []string{"12", "walk-1-3"}}, ""},
		{"/unfreeze drop", desk.Release{Release: "drop"}, ""},
		{"/unfreeze all", desk.Release{Scope: "all"}, ""},
	}
	for _, test := range tests {
		typed, err := incident.ParseTyped(test.text, d.Languages)
		if err != nil {
			t.Fatalf("%q: %v", test.text, err)
		}
		got, err := d.Command(typed, now)
		if test.want == nil {
			if r, ok := desk.AsRefusal(err); !ok || r.Kind != desk.Invalid || !strings.Contains(r.Text, test.asks) {
				t.Errorf("%q is read as %+v, %v; want the question %q", test.text, got, err, test.asks)
			}
			continue
		}
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", test.text, err, diff)
		}
	}
}
