package people

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func mustTexts(t testing.TB) *templates.Set {
	t.Helper()
	s, err := templates.Load("", []string{"en", "zh-Hans"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func bookConfig(t testing.TB) BookConfig {
	return BookConfig{
		Texts: mustTexts(t), Languages: []string{"en", "zh-Hans"},
		Policy: broadcast.Policy{
			Language: "en", Zone: time.FixedZone("SGT", 8*60*60), Component: strings.ToUpper,
			Link: func(r incident.Ref) string { return "https://status.example.com/incidents/" + r.String() },
		},
		Addresses: Addresses{Hosts: []string{"status.example.com", "example.com"}, Accounts: []string{"t.me/Example_Status", "t.me/example_bot"}, Vague: []string{"x.com"}, Linked: []string{"www.video.example"}},
	}
}

// anOutage is an incident with four updates, of which the second was corrected
// and the third withdrawn.
func anOutage(t testing.TB) *incident.Incident {
	t.Helper()
	i := &incident.Incident{Ref: incident.Ref{Prefix: "INC", Number: 12}, Kind: incident.Outage, Status: incident.Investigating, CreatedAt: noon}
	down := map[string]incident.ComponentState{"login": incident.MajorOutage}
	say := func(s incident.Saying) {
		i.Say(s, "Ana", nil, noon.Add(time.Duration(len(i.Updates))*10*time.Minute))
	}
	say(incident.Saying{Title: "Login is unavailable", Impact: incident.Critical, Components: down,
		Body: incident.Text{"en": "Since 12:01 UTC nobody can log in. Funds are not affected.\n\nWe will say more soon.", "zh-Hans": "自 12:01 UTC 起无法登录。资金不受影响。"}})
	say(incident.Saying{Status: incident.Identified, Body: incident.Text{"en": "A certificate has expired in two of our regions."}})
	say(incident.Saying{Body: incident.Text{"en": "Withdrawals will be back within the hour for everybody."}})
	say(incident.Saying{Status: incident.Resolved, Body: incident.Text{"en": "Everything works again since the fix was rolled out."}})
	u := &i.Updates[1]
	u.Revisions = append(u.Revisions, incident.Revision{Title: i.Title, Body: incident.Text{"en": "A certificate has expired in one of our regions."}, At: noon.Add(15 * time.Minute)})
	i.Updates[2].Retraction = &incident.Retraction{Reason: "We cannot promise that yet.", At: noon.Add(25 * time.Minute)}
	return i
}

func mustBook(t testing.TB, c BookConfig, incidents ...*incident.Incident) *Book {
	t.Helper()
	b, err := NewBook(c, incidents, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVerify(t *testing.T) {
	c := bookConfig(t)
	b := mustBook(t, c, anOutage(t))
	for claim, want := range map[string]Verdict{
		"Since 12:01 UTC nobody can log in. Funds are not affected.\n\nWe will say more soon.":                         {Finding: Ours, Ref: "INC-12/1"},
		"since 12:01 utc  nobody can LOG IN.\nFunds are not\u200b affected. We will say more soon.":                    {Finding: Ours, Ref: "INC-12/1"},
		"Login is unavailable\n\nSince 12:01 UTC nobody can log in.":                                                   {Finding: Ours, Ref: "INC-12/1", Part: true},
		"Since 12:01 UTC nobody can log in. Funds are not affected.":                                                   {Finding: Ours, Ref: "INC-12/1", Cut: true},
		"自 12:01 UTC 起无法登录。资金不受影响。":                                                                                    {Finding: Ours, Ref: "INC-12/1"},
		"Everything works again since the…":                                                                            {Finding: Ours, Ref: "INC-12/4", Cut: true},
		"Since 12:01 UTC nobody can log in. Funds…":                                                                    {Finding: Ours, Ref: "INC-12/1", Cut: true},
		"Login is unavailable\nSince 12…":                                                                              {Finding: Ours, Ref: "INC-12/1", Cut: true},
		"Since 12…":                                                                                                    {Finding: Foreign},
		"Funds are not affected. Funds…":                                                                               {Finding: Altered, Ref: "INC-12/1"},
		"Since 12:01 UTC nobody can log in. Funds are affected.\n\nWe will say more soon.":                             {Finding: Altered, Ref: "INC-12/1"},
		"Since 12:01 UTC nobody can log in. Funds are not affected.\n\nMove them to safe-wallet.example to be sure.":   {Finding: Altered, Ref: "INC-12/1"},
		"Everything works again since the fix was rolled out":                                                          {Finding: Ours, Ref: "INC-12/4"},
		"Everything works again since the fix was rolled out?":                                                         {Finding: Altered, Ref: "INC-12/4"},
		"自 12:01 UTC 起无法登录。资金不受影响":                                                                                     {Finding: Ours, Ref: "INC-12/1"},
		"Since 13:01 UTC nobody can log in!":                                                                           {Finding: Altered, Ref: "INC-12/1"},
		"A certificate has expired in two of our regions.":                                                             {Finding: Corrected, Ref: "INC-12/2"},
		"A certificate has expired in one of our regions.":                                                             {Finding: Ours, Ref: "INC-12/2"},
		"Withdrawals will be back within the hour for everybody.":                                                      {Finding: Retracted, Ref: "INC-12/3"},
		"We withdraw INC-12/3. Please disregard it.\n\nWe cannot promise that yet.\n\nINC-12/3 · 12:25 UTC":            {Finding: Ours, Ref: "INC-12/3"},
		"This message has been withdrawn. Please disregard it.\n\nWe cannot promise that yet.\n\nINC-12/3 · 12:25 UTC": {Finding: Ours, Ref: "INC-12/3"},
		"Send one coin and receive two. Only today.":                                                                   {Finding: Foreign},
		"":                        {Finding: Foreign},
		"log in":                  {Finding: Foreign},
		"INC-12/1 · 12:00 UTC":    {Finding: Foreign},
		"INC-12":                  {Finding: Reference, Ref: "INC-12"},
		" inc12 ":                 {Finding: Reference, Ref: "INC-12"},
		"INC-12/4":                {Finding: Reference, Ref: "INC-12/4"},
		"INC-12/5":                {Finding: Foreign},
		"INC-1":                   {Finding: Foreign},
		"DRL-12":                  {Finding: Foreign},
		"@example_status":         {Finding: OurPlace},
		"t.me/Example_Status/123": {Finding: OurPlace},
		"https://telegram.me/example_bot?start=x":               {Finding: OurPlace},
		"https://status.example.com/incidents/INC-12":           {Finding: OurPlace},
		"http://example.com":                                    {Finding: OurPlace},
		"t.me/s/example_status/12":                              {Finding: OurPlace},
		"https://Example_Status.t.me/12":                        {Finding: OurPlace},
		"telegram.dog/example_status":                           {Finding: OurPlace},
		"tg://resolve?domain=Example_Status&post=12":            {Finding: OurPlace},
		"TG:resolve?domain=example_bot&start=x":                 {Finding: OurPlace},
		"t.me/s/examp1e_status":                                 {Finding: Foreign},
		"https://t.me/example_status/../evil_bot":               {Finding: Foreign},
		"https://t.me/example_status/%2E%2e/evil_bot":           {Finding: Foreign},
		"https://t.me/example_status%2F..%2Fevil_bot":           {Finding: Foreign},
		"https://t.me/example_status/%252e%252e/evil_bot":       {Finding: Foreign},
		"https://t.me/example_status/..\\evil_bot":              {Finding: Foreign},
		"https://t.me/s/../evil_bot":                            {Finding: Foreign},
		"https://example_status.t.me/../evil_bot":               {Finding: Foreign},
		"https://t.me:8443/example_status":                      {Finding: Foreign},
		"https://t.me:443/example_status":                       {Finding: OurPlace},
		"example.com:31337":                                     {Finding: Foreign},
		"http://example.com:443":                                {Finding: Foreign},
		"https://example.com:443/../x":                          {Finding: OurPlace}, // all of the host is ours
		"http://status.example.com:80":                          {Finding: OurPlace},
		"http://status.example.com.:80":                         {Finding: OurPlace},
		"t.me/share/example_status":                             {Finding: Foreign},
		"example_status.other.t.me":                             {Finding: Foreign},
		"example_status.t.me.evil.example":                      {Finding: Foreign},
		"tg://resolve?domain=examp1e_status":                    {Finding: Foreign},
		"tg://resolve?domain=example_bot&domain=evil_bot":       {Finding: Foreign},
		"tg://resolve?domain=example_bot&phone=4915550100":      {Finding: Foreign},
		"tg://join?invite=x&domain=example_status":              {Finding: Foreign},
		"tg://resolve/evil?domain=example_status":               {Finding: Foreign},
		"https://x.com/s/example_status":                        {Finding: Unknown},
		"t.me/examp1e_status":                                   {Finding: Foreign},
		"https://example.com.evil.example/":                     {Finding: Foreign},
		"https://example.com@evil.example/":                     {Finding: Foreign},
		"https://exаmple.com":                                   {Finding: Foreign}, // a Cyrillic letter
		"https://x.com/example":                                 {Finding: Unknown},
		"https://mobile.x.com/example":                          {Finding: Unknown},
		"https://notx.com/example":                              {Finding: Foreign},
		"https://www.video.example/watch":                       {Finding: Unknown},
		"https://m.video.example/watch":                         {Finding: Foreign},
		"@somebody":                                             {Finding: Unknown},
		"https://sub.example.com":                               {Finding: Foreign},
		strings.Repeat("x", 100000) + " nobody can log in.":     {Finding: Foreign},
		"Funds are not affected. Call 555-0100 for your refund": {Finding: Altered, Ref: "INC-12/1"},
	} {
		got := b.Verify(claim)
		if got.Finding != want.Finding || got.Ref != want.Ref && want.Ref != "" || got.Part != want.Part || got.Cut != want.Cut {
			t.Errorf("%.80q is %s %s, cut: %t, part: %t; want %s %s, cut: %t, part: %t", claim, got.Finding, got.Ref, got.Cut, got.Part, want.Finding, want.Ref, want.Cut, want.Part)
		}
	}
}

// More has been said since only where that stands.
func TestVerifySaysWhetherMoreWasSaid(t *testing.T) {
	i := anOutage(t)
	const claim = "Everything works again since the fix was rolled out."
	if v := mustBook(t, bookConfig(t), i).Verify(claim); v.More {
		t.Errorf("of the newest update: %+v", v)
	}
	i.Say(incident.Saying{Status: incident.Resolved, Body: incident.Text{"en": "It will not happen again."}}, "Ana", nil, noon.Add(time.Hour))
	if v := mustBook(t, bookConfig(t), i).Verify(claim); !v.More {
		t.Errorf("of the update before the newest: %+v", v)
	}
	i.Updates[4].Retraction = &incident.Retraction{Reason: "Nobody can promise that.", At: noon.Add(61 * time.Minute)}
	if v := mustBook(t, bookConfig(t), i).Verify(claim); v.Finding != Ours || v.More {
		t.Errorf("where what was said since is withdrawn: %+v", v)
	}
}

// Our own characters in another order are not our words, although nothing but the
// order tells them apart, and marks that change nothing are not looked at.
func TestVerifyWhatIsTurnedAround(t *testing.T) {
	c := bookConfig(t)
	i := anOutage(t)
	i.Say(incident.Saying{Body: incident.Text{"en": "Deposits are closed from 12:00 to 21:00 for all.", "zh-Hans": "ההפקדות סגורות מ-12:00 עד 21:00.\u200F כל השאר עובד."}}, "Ana", nil, noon.Add(time.Hour))
	b := mustBook(t, c, i)
	for claim, want := range map[string]Finding{
		"Deposits are closed from \u202E00:12 ot 00:21\u202C for all.": Altered,
		"Deposits are closed from \u202E12:00 to 21:00\u202C for all.": Altered,
		"Deposits are closed from \u202D12:00 to 21:00\u202C for all.": Altered,
		"Deposits are closed from \u206712:00 to 21:00\u2069 for all.": Altered,
		"Deposits are closed from \u202B12:00 to 21:00\u202C for all.": Altered,
		"Deposits are closed from \u200F12:00 to 21:00 for all.":       Altered,
		"Deposits are closed from \u061C12:00 to 21:00 for all.":       Altered,
		"Deposits are closed from \u206812:00 to 21:00\u2069 for all.": Ours,
		"Deposits are closed\u200B from \u200E12:00 to 21:00 for all.": Ours,
		"ההפקדות סגורות מ-12:00 עד 21:00. כל השאר עובד.":               Ours,
		"\u2067ההפקדות סגורות מ-12:00 עד 21:00.\u2069 כל השאר עובד.":   Ours,
		"\u202Dההפקדות סגורות מ-12:00 עד 21:00. כל השאר עובד.":         Altered,
	} {
		if got := b.Verify(claim); got.Finding != want {
			t.Errorf("%+q is %s, want %s", claim, got.Finding, want)
		}
	}
}

// A link is ours only if it leads where ours does: an app takes all that stands in it,
// seen or not, and the case of a path.
func TestVerifyWhatLinksSay(t *testing.T) {
	i := anOutage(t)
	i.Say(incident.Saying{Body: incident.Text{
		"en":      "Log in only at https://example.com/login, or read bit.ly/ExampleStatus and @Example_Status for what to do.",
		"zh-Hans": "请只在https://example.com/登录；详情见 https://bit.ly/ExampleStatus。",
	}}, "Ana", nil, noon.Add(time.Hour))
	b := mustBook(t, bookConfig(t), i)
	for claim, want := range map[string]Finding{
		"LOG in only\u200b at HTTPS://Example.com/login, or  read Bit.ly/ExampleStatus and @example_status for what to do":       Ours,
		"Log in only at \u2068https://example.com/login,\u2069 or read bit.ly/ExampleStatus and @Example_Status for what to do.": Ours,
		"Log in only at https://example.com/login…":                                                                        Ours,
		"Log in only at https://example.com/login, or read…":                                                               Ours,
		"请只在https://example.com/登录；详情见 https://bit.ly/ExampleStatus":                                                       Ours,
		"请只在https://example.com/登录；详情\u200b见…":                                                                             Ours,
		"请只在https://example.com/登录…":                                                                                       Ours,
		"Log in only at https://example.co\u200bm/login, or read bit.ly/ExampleStatus and @Example_Status for what to do.": Altered,
		"Log in only at https://example.co\u2060m/login, or read bit.ly/ExampleStatus and @Example_Status for what to do.": Altered,
		"Log in only at https://example.com/login, or read bit.ly/examplestatus and @Example_Status for what to do.":       Altered,
		"Log in only at https://example.com/login, or read bit.ly/Ex\u00adampleStatus and @Example_Status for what to do.": Altered,
		"Log in only at https://example.com/login, or read bit.\u200bly/ExampleStatus and @Example_Status for what to do.": Altered,
		"Log in only at https://example.com/login, or read bit.ly／ExampleStatus and @Example_Status for what to do.":       Altered,
		"Log in only at https://example.com/login, or read bit.ly/ExampleStatus and @Example\u200b_Status for what to do.": Altered,
		"Log in only at https://example.com/login\u200d, or read bit.ly/ExampleStatus and @Example_Status for what to do.": Altered,
		"Log in only at https://example.co…":                                                                               Altered,
		"请只在https://example.com/登录；详情见 https://bit.ly/examplestatus。":                                                      Altered,
	} {
		if got := b.Verify(claim); got.Finding != want || got.Ref != "INC-12/5" {
			t.Errorf("%+q is %s %s, want %s", claim, got.Finding, got.Ref, want)
		}
	}
}

// However a message was cut beside a link, it is ours.
func TestVerifyWhatIsCutBesideLinks(t *testing.T) {
	c := bookConfig(t)
	for _, text := range []string{
		"Log in at https://example.com/Login, then wait (see https://status.example.com/How), or read bit.ly/ExampleStatus. It is safe; we will say more at status.example.com: soon. Visit @Example_Status… or wait. Really? Yes! Go to https://example.com/a?b=C&d=e#F now, e.g. with version 1.2.3.",
		"请只在https://example.com/Login登录，然后等待（见https://status.example.com/How）。也可以阅读 bit.ly/ExampleStatus。我们会在 status.example.com：发布更多内容；请关注@Example_Status……谢谢！真的吗？是的。访问“https://example.com/a?b=C”或者https://example.com/D即可。",
	} {
		i := &incident.Incident{Ref: incident.Ref{Prefix: "INC", Number: 12}, Kind: incident.Outage, CreatedAt: noon}
		i.Say(incident.Saying{Title: "Login is unavailable", Status: incident.Investigating, Body: incident.Text{"en": text}}, "Ana", nil, noon)
		b := mustBook(t, c, i)
		m := posted(i, 1, "en", c.Policy)[0]
		for most := 100; most < 420; most++ {
			shown, err := c.Texts.Render("telegram", "en", m, templates.Space{Max: most, Measure: utf8.RuneCountInString})
			if err != nil {
				t.Fatal(err)
			}
			if v := b.Verify(shown.String); v.Finding != Ours || v.Part || v.Cut != shown.Cut {
				t.Fatalf("in %d it is %s, cut: %t, part: %t:\n%s", most, v.Finding, v.Cut, v.Part, shown.String)
			}
		}
	}
}

// What stands behind ever so many sentences of ours is not ours.
func TestVerifyToTheEnd(t *testing.T) {
	i := anOutage(t)
	i.Say(incident.Saying{Body: incident.Text{"en": "Wait.\nThis goes on for a while."}}, "Ana", nil, noon.Add(time.Hour))
	b := mustBook(t, bookConfig(t), i)
	for many := 100; many < 650; many += 90 {
		if v := b.Verify(strings.Repeat("Wait.\n", many) + "Pay at safe-wallet.example"); v.Finding != Altered {
			t.Errorf("behind %d sentences it is %s", many, v.Finding)
		}
	}
}

// TestVerifyWhatIsPosted checks that whatever any platform shows is ours, with as
// much room as there may be.
func TestVerifyWhatIsPosted(t *testing.T) {
	c := bookConfig(t)
	i := anOutage(t)
	i.Updates[0].Revisions[0].Body["en"] += "\n\nNo. " + strings.Repeat("We look at it. It goes on, as we said! ", 9)
	b := mustBook(t, c, i)
	said, cut := 0, 0
	for n := range i.Updates {
		want := Ours
		if i.Updates[n].Retraction != nil {
			want = Retracted
		}
		for _, lang := range c.Languages {
			for _, m := range posted(i, n+1, lang, c.Policy) {
				for _, platform := range templates.Platforms {
					for most := 120; most < 600; most += 31 {
						text, err := c.Texts.Render(platform, lang, m, templates.Space{Max: most, Measure: utf8.RuneCountInString})
						if err != nil {
							t.Fatal(err)
						}
						said++
						if text.Cut {
							cut++
						}
						if v := b.Verify(text.String); v.Finding != want || v.Part || v.Cut && !text.Cut {
							t.Fatalf("on %s, in %d, %s is %s, cut: %t, part: %t:\n%s", platform, most, m.Ref, v.Finding, v.Cut, v.Part, text.String)
						}
					}
				}
			}
		}
	}
	if said < 5000 || cut < 500 {
		t.Errorf("only %d messages, and %d that are cut", said, cut)
	}
}

// What we sent is ours whatever ends the lines of its text, which messages show as
// ends of lines.
func TestVerifyWhatHasOtherLineEnds(t *testing.T) {
	c := bookConfig(t)
	for _, end := range []string{"\n", "\r\n", "\r", "\v", "\f", "\u0085", "\u2028", "\u2029\u2029"} {
		i := &incident.Incident{Ref: incident.Ref{Prefix: "INC", Number: 12}, Kind: incident.Outage, CreatedAt: noon}
		text := "Logins work again for everybody" + end + "Withdrawals stay closed until tomorrow"
		i.Say(incident.Saying{Title: text, Status: incident.Investigating, Body: incident.Text{"en": text}}, "Ana", nil, noon)
		i.Say(incident.Saying{Status: incident.Monitoring, Body: incident.Text{"en": text}}, "Ana", nil, noon.Add(time.Hour))
		b := mustBook(t, c, i)
		for n := range i.Updates {
			for _, m := range posted(i, n+1, "en", c.Policy) {
				shown, err := c.Texts.Render("telegram", "en", m, templates.Space{Max: 4096, Measure: utf8.RuneCountInString})
				if err != nil {
					t.Fatal(err)
				}
				if v := b.Verify(shown.String); v.Finding != Ours || v.Part || v.Cut {
					t.Fatalf("with %+q, %s is %s, part: %t:\n%+q", end, m.Ref, v.Finding, v.Part, shown.String)
				}
			}
		}
	}
}

// posted are messages that channels show of the newest wording of an update:
// with any head line that a first post has had, and any number of updates missed.
func posted(i *incident.Incident, n int, lang string, policy broadcast.Policy) []templates.Message {
	all := broadcast.Wordings(i, n, len(i.Update(n).Revisions), lang, policy)
	for _, m := range slices.Clone(all) {
		for _, head := range broadcast.Heads(i) {
			if m.Head = head.Head; head.Newest >= n {
				all = append(all, m)
			}
		}
		for m.Missed = range n {
			all = append(all, m)
		}
	}
	return all
}

// Who asks about wrong words is told the right ones, or as much of them as an
// answer has room for, and where all of them are.
func TestVerdictOnWhatIsLongNow(t *testing.T) {
	i := anOutage(t)
	u := &i.Updates[0]
	for text, end := range map[string]string{
		strings.Repeat("Word after word we say it. ", incident.MaxBody/27): "after word…",
		strings.Repeat("我们逐字逐句地说明。", incident.MaxBody/10):                  "说明。…",
	} {
		u.Revisions = append(u.Revisions[:1:1], incident.Revision{Title: i.Title, Body: incident.Text{"en": text, "zh-Hans": text}, At: noon.Add(time.Minute)})
		for _, lang := range []string{"en", "zh-Hans"} {
			a := New(Config{Account: "tg", Bot: &ranks{}, Texts: mustTexts(t), Zone: time.UTC, Language: "en", Languages: []string{"en", "zh-Hans"}, Book: bookConfig(t),
				Published: func(context.Context, int) ([]*incident.Incident, error) { return []*incident.Incident{i}, nil }})
			w, err := a.word(t.Context(), pending{answer: answer{what: verdict, arg: "Since 12:01 UTC nobody can log in.", sub: Subscriber{Language: lang}}})
			if n := utf8.RuneCountInString(w.text); err != nil || n > 4096 || !strings.HasSuffix(w.text, end+"\n\nhttps://status.example.com/incidents/INC-12") {
				t.Errorf("in %s the answer has %d characters: %v\n%s", lang, n, err, w.text)
			}
		}
	}
}

// TestBookIsKeptUp checks that a book says what holds now, and that drills are
// in none.
func TestBookIsKeptUp(t *testing.T) {
	c := bookConfig(t)
	i := anOutage(t)
	drill := anOutage(t)
	drill.Drill, drill.Ref.Prefix = true, "DRL"
	drill.Updates[0].Revisions[0].Body = incident.Text{"en": "This is an exercise about a flooded cellar."}
	before := mustBook(t, c, i, drill)
	if v := before.Verify("This is an exercise about a flooded cellar."); v.Finding != Foreign {
		t.Errorf("a drill is %s", v.Finding)
	}
	i.Updates[0].Retraction = &incident.Retraction{Reason: "Wrong time.", At: noon.Add(time.Hour)}
	after, err := NewBook(c, []*incident.Incident{i}, before)
	if err != nil {
		t.Fatal(err)
	}
	if v := after.Verify("Since 12:01 UTC nobody can log in."); v.Finding != Retracted {
		t.Errorf("what was withdrawn is %s", v.Finding)
	}
	again, err := NewBook(c, []*incident.Incident{i}, after)
	if err != nil {
		t.Fatal(err)
	}
	for k := range again.pages {
		if again.pages[k] != after.pages[k] {
			t.Errorf("page %d was written again although nothing changed", k)
		}
	}
}

// FuzzVerify checks that nothing anybody types makes a stranger's words ours.
func FuzzVerify(f *testing.F) {
	c := bookConfig(f)
	b := mustBook(f, c, anOutage(f))
	for _, s := range []string{"Since 12:01 UTC nobody can log in.", "https://example.com@evil", "…", "@", "t.me/", "\xff\u202e", "。！？"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, claim string) {
		b.Verify(claim)
		if v := b.Verify("qzx jjk vvq wallet nine " + claim); v.Finding == Ours || v.Finding == OurPlace || v.Finding == Corrected || v.Finding == Retracted {
			t.Errorf("with words that are not ours: %s %s", v.Finding, v.Ref)
		}
	})
}

// Who was not told of all reads beside an older update what changed, and those
// are our words too.
func TestVerifyWhatWasReadWithoutWhatCameBefore(t *testing.T) {
	i := anOutage(t)
	i.Say(incident.Saying{Impact: incident.Minor, Body: incident.Text{"en": "Some deposits are still late for everybody."}}, "Ana", nil, noon.Add(time.Hour))
	i.Say(incident.Saying{Status: incident.Investigating, Body: incident.Text{"en": "The fix has not held for some of us."}}, "Ana", nil, noon.Add(2*time.Hour))
	b := mustBook(t, bookConfig(t), i)
	for claim, want := range map[string]Finding{
		"Reopened · Investigating\nThe fix has not held for some of us.\n\nINC-12/6 · 14:00 UTC":                                                                        Ours,
		"Reopened · Investigating\nImpact: minor (was critical)\nThe fix has not held for some of us.\n\n(1 earlier update is not shown here.)\n\nINC-12/6 · 14:00 UTC": Ours,
		"Investigating\nImpact: minor (was critical)\nThe fix has not held for some of us.\n\n(2 earlier updates are not shown here.)\n\nINC-12/6 · 14:00 UTC":          Ours,
		"Reopened · Investigating\nImpact: critical (was minor)\nThe fix has not held for some of us.\n\n(1 earlier update is not shown here.)\n\nINC-12/6 · 14:00 UTC": Altered,
	} {
		if got := b.Verify(claim); got.Finding != want || got.Ref != "INC-12/6" {
			t.Errorf("%q is %s %s, want %s", claim, got.Finding, got.Ref, want)
		}
	}
}
