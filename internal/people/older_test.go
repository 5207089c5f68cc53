package people

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

// archive is more incidents than answers are about, the oldest of which is a drill. It
// counts what is looked up.
type archive struct {
	all   []*incident.Incident
	finds int
}

func (a *archive) list(_ context.Context, limit int) ([]*incident.Incident, error) {
	var newest []*incident.Incident
	for n := range min(limit, len(a.all)) {
		newest = append(newest, a.all[len(a.all)-1-n])
	}
	return newest, nil
}

func (a *archive) find(_ context.Context, ref incident.Ref) (*incident.Incident, error) {
	a.finds++
	for _, i := range a.all {
		if i.Ref == ref {
			return i, nil
		}
	}
	return nil, nil //nolint:nilnil // there is none
}

// ofFault are the words about the incident of that number.
func ofFault(n int) string {
	return fmt.Sprintf("Nobody can log in because of fault number %d of ours.", n)
}

// anArchive has that many incidents beyond those that answers are about.
func anArchive(t *testing.T, beyond int) (*archive, *Audience) {
	t.Helper()
	a := new(archive)
	for n := range newsLimit + beyond {
		i := &incident.Incident{Ref: incident.Ref{Prefix: "INC", Number: n + 1}, Kind: incident.Outage, CreatedAt: noon}
		i.Say(incident.Saying{Title: "Logins fail", Status: incident.Investigating, Impact: incident.Critical, Body: incident.Text{"en": ofFault(n + 1)}}, "Ana", nil, noon)
		a.all = append(a.all, i)
	}
	return a, New(Config{Account: "tg", Bot: &ranks{}, Texts: mustTexts(t), Zone: time.UTC, Language: "en", Languages: []string{"en", "zh-Hans"},
		Book: bookConfig(t), Page: "https://status.example.com", Published: a.list, Find: a.find})
}

// What we said long ago is ours as well where it names its incident, and is not
// denied where it names none.
func TestVerifyWhatIsOld(t *testing.T) {
	archive, a := anArchive(t, 3)
	archive.all[2].Drill = true
	m := posted(archive.all[0], 1, "en", a.Book.Policy)[0]
	message, err := a.Texts.Render("telegram", "en", m, templates.Space{Max: 4096, Measure: func(s string) int { return len(s) }})
	if err != nil {
		t.Fatal(err)
	}
	for claim, want := range map[string]Finding{
		message.String: Ours,
		ofFault(9) + "\n\nINC-1/1 · INC-2/1 · INC-9001/1":                                 Altered,
		ofFault(1) + " Send us your coins.\n\nhttps://status.example.com/incidents/INC-1": Altered,
		ofFault(203): Ours,
		ofFault(1):   Older, // although it is much like what is known
		"INC-1":      Reference,
		"inc1/1":     Reference,
		"INC-1/2":    Foreign,
		"INC-3":      Foreign, // which is a drill
		"Something else, unlike INC-1 and INC-2.\nIt is not the same.":                                  Older,
		ofFault(1) + "\nNo such thing as INC-9001, INC-9002, INC-9003 is known.\n\nINC-1/1 · 12:00 UTC": Older,
		"DRL-1":          Foreign,
		"INC-9001":       Foreign,
		"https://t.me/x": Foreign,
		"A certificate has expired in two of our regions, as far as is known.": Older,
		"Something else.\n\nINC-1/1 · 12:00 UTC":                               Foreign,
	} {
		if v, err := a.news.verify(t.Context(), Claim{Text: claim}); v.Finding != want || err != nil {
			t.Errorf("%q is %s, %v, want %s", claim, v.Finding, err, want)
		}
	}
	w, err := a.word(t.Context(), pending{answer: answer{what: verdict, arg: "We have moved to another page.", sub: Subscriber{Language: "en"}}})
	if want := "This cannot be checked here: it is not among our newest messages, and may be older. Everything that we said: https://status.example.com"; w.text != want || err != nil {
		t.Errorf("answered %q, %v", w.text, err)
	}
}

// Where all that was said is known, nothing is looked up, and what is not there was
// not said.
func TestVerifyWhatIsNotOld(t *testing.T) {
	archive, a := anArchive(t, -1)
	for _, claim := range []string{"INC-9001", "Something else.\n\nINC-9001/1 · 12:00 UTC"} {
		if v, err := a.news.verify(t.Context(), Claim{Text: claim}); v.Finding != Foreign || err != nil {
			t.Errorf("%q is %s, %v", claim, v.Finding, err)
		}
	}
	if archive.finds > 0 {
		t.Errorf("%d incidents were looked up", archive.finds)
	}
}

// A text refers to incidents by their references and the links of their pages.
func TestMentioned(t *testing.T) {
	text := "INC-7 DRL-8 XINC-9 inc10\n\nINC-7/3 · 12:00 UTC\nhttps://status.example.com/incidents/MNT-11"
	if got := fmt.Sprint(mentioned(text)); got != "[MNT-11 INC-7 INC-10 DRL-8]" {
		t.Errorf("mentioned are %s", got)
	}
}

// Who comes by a link to what is long over is told so.
func TestFollowWhatIsOld(t *testing.T) {
	archive, a := anArchive(t, 1)
	archive.all[0].ResolvedAt = noon.Add(time.Hour)
	w, err := a.word(t.Context(), pending{answer: answer{what: followed, sub: Subscriber{Language: "en", Incidents: []string{"INC-1"}}}})
	if !strings.HasPrefix(w.text, "INC-1 is over: Logins fail.") || err != nil {
		t.Errorf("answered %q, %v", w.text, err)
	}
}

// However many ask, few incidents are looked up, and nobody is told meanwhile that
// what he asks about is not ours.
func TestAFloodLooksUpLittle(t *testing.T) {
	archive, a := anArchive(t, 500)
	synctest.Test(t, func(t *testing.T) {
		told := map[Finding]int{}
		for n := range 400 {
			v, err := a.news.verify(t.Context(), Claim{Text: fmt.Sprintf("INC-%d", n+1)})
			if err != nil {
				t.Fatal(err)
			}
			told[v.Finding]++
		}
		if archive.finds != olderReads || told[Reference] != olderReads || told[Older] != 400-olderReads {
			t.Errorf("%d incidents were looked up, and told was %v", archive.finds, told)
		}
		for range 100 {
			a.news.verify(t.Context(), Claim{Text: "INC-1"})
		}
		if archive.finds != olderReads {
			t.Error("an incident is looked up that was looked up just now")
		}
		time.Sleep(newsFor)
		archive.all[0].Updates[0].Retraction = &incident.Retraction{Reason: "Wrong.", At: noon.Add(time.Hour)}
		if v, err := a.news.verify(t.Context(), Claim{Text: ofFault(1) + "\n\nINC-1/1 · 12:00 UTC"}); v.Finding != Retracted || err != nil {
			t.Errorf("what was withdrawn since is %s, %v", v.Finding, err)
		}
		if n := len(a.news.older.known); n > olderKept {
			t.Errorf("%d are remembered", n)
		}
	})
}
