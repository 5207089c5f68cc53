package people

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Our words are not ours where a message leads elsewhere, or shows something else too.
func TestJudgeWhatIsNotInTheText(t *testing.T) {
	const (
		said    = "Everything works again since the fix was rolled out."
		drainer = "https://wallet-drainer.example/login"
		page    = "https://status.example.com/incidents/INC-12"
	)
	b := mustBook(t, bookConfig(t), anOutage(t))
	for _, tt := range []struct {
		claim Claim
		want  Finding
	}{
		{Claim{Text: said}, Ours},
		{Claim{Text: said, Links: []string{page, "https://t.me/Example_Status"}}, Ours},
		{Claim{Text: said, Links: []string{page, drainer}}, Altered},
		{Claim{Text: said, Links: []string{"tg://user?id=666"}}, Altered},
		{Claim{Text: said, Links: []string{"https://x.com/example"}}, Altered},
		{Claim{Text: said, Links: []string{""}}, Altered},
		{Claim{Text: said, Beside: true}, Altered},
		{Claim{Text: "A certificate has expired in two of our regions.", Links: []string{drainer}}, Altered},
		{Claim{Text: "Withdrawals will be back within the hour for everybody.", Beside: true}, Altered},
		{Claim{Text: "status.example.com", Links: []string{page}}, OurPlace},
		{Claim{Text: "status.example.com", Links: []string{drainer}}, Foreign},
		{Claim{Text: "status.example.com", Links: []string{"https://x.com/example"}}, Unknown},
		{Claim{Text: "status.example.com", Beside: true}, Unknown},
		{Claim{Text: "Send one coin and receive two. Only today.", Beside: true}, Foreign},
	} {
		v := b.Judge(tt.claim)
		if v.Finding != tt.want {
			t.Errorf("%+v is %s, want %s", tt.claim, v.Finding, tt.want)
		}
		if (v.Led || v.Beside) != (tt.want == Altered) {
			t.Errorf("of %+v it is said that it leads elsewhere: %t, that more came with it: %t", tt.claim, v.Led, v.Beside)
		}
	}
}

// Who forwards our words is told what is wrong with what came with them.
func TestVerdictOnWhatIsNotInTheText(t *testing.T) {
	i := anOutage(t)
	a := New(Config{Account: "tg", Bot: &ranks{}, Texts: mustTexts(t), Zone: time.UTC, Language: "en", Languages: []string{"en", "zh-Hans"}, Book: bookConfig(t),
		Published: func(context.Context, int) ([]*incident.Incident, error) { return []*incident.Incident{i}, nil }})
	for _, tt := range []struct {
		event bots.Event
		want  string
	}{
		{bots.Event{}, "Yes, this is what we said"},
		{bots.Event{Links: []string{"https://wallet-drainer.example"}}, "No. The words are ours, from INC-12/4, but a link or button in this message leads where they do not say."},
		{bots.Event{Beside: true}, "No. The words are ours, from INC-12/4, but what was sent with them"},
	} {
		e := tt.event
		e.Kind, e.Chat, e.Private, e.Forwarded, e.Text = bots.Said, "7", true, true, "Everything works again since the fix was rolled out."
		_, said := a.dialogue.said(Subscriber{Language: "en"}, e)
		w, err := a.word(t.Context(), pending{answer: said, event: e})
		if err != nil || !strings.HasPrefix(w.text, tt.want) {
			t.Errorf("%+v is answered: %v\n%s", tt.event, err, w.text)
		}
	}
}

// Words that we quoted to deny them are not confirmed: nothing is, without all that
// stands around it.
func TestVerdictOnAPart(t *testing.T) {
	const rumour = "We were hacked. Move your coins to the rescue wallet within one hour."
	ask := func(body, arg, lang string, change func(*incident.Incident)) string {
		i := &incident.Incident{Ref: incident.Ref{Prefix: "NTC", Number: 5}, Kind: incident.Notice, CreatedAt: noon}
		i.Say(incident.Saying{Title: "A forged message is going around", Status: incident.Published, Body: incident.Text{"en": body}}, "Ana", nil, noon)
		change(i)
		a := New(Config{Account: "tg", Bot: &ranks{}, Texts: mustTexts(t), Zone: time.UTC, Language: "en", Languages: []string{"en", "zh-Hans"}, Book: bookConfig(t),
			Published: func(context.Context, int) ([]*incident.Incident, error) { return []*incident.Incident{i}, nil }})
		w, err := a.word(t.Context(), pending{answer: answer{what: verdict, arg: arg, sub: Subscriber{Language: lang}}})
		if err != nil {
			t.Fatal(err)
		}
		return w.text
	}
	as := func(*incident.Incident) {}
	within := "This message is not ours, please do not act on it:\n\n" + rumour + "\n\nNothing was hacked."
	first := rumour + "\n\nThis message is not ours, please do not act on it."
	for _, tt := range []struct {
		body, arg, lang string
		change          func(*incident.Incident)
		want            string
	}{
		{within, within, "en", as, "Yes, this is what we said in NTC-5/1"},
		{within, rumour, "en", as, "These words stand in NTC-5/1"},
		{within, rumour, "zh-Hans", as, "这些文字出现在 NTC-5/1"},
		{first, rumour, "en", as, "This is the beginning of what we said in NTC-5/1"},
		{first, rumour[:30] + "…", "zh-Hans", as, "这是我们在 NTC-5/1"},
		{within, rumour, "en", func(i *incident.Incident) {
			u := i.Update(1)
			u.Revisions = append(u.Revisions, incident.Revision{Title: i.Title, Body: incident.Text{"en": "Nothing was hacked."}, At: noon.Add(time.Minute)})
		}, "These words stood in NTC-5/1, which we have corrected since."},
		{within, rumour, "en", func(i *incident.Incident) {
			i.Update(1).Retraction = &incident.Retraction{Reason: "It quoted too much.", At: noon.Add(time.Minute)}
		}, "These words stood in NTC-5/1, which we have withdrawn."},
	} {
		if got := ask(tt.body, tt.arg, tt.lang, tt.change); !strings.HasPrefix(got, tt.want) || !strings.HasSuffix(got, "https://status.example.com/incidents/NTC-5") {
			t.Errorf("in %s, %q is answered, want %q:\n%s", tt.lang, tt.arg, tt.want, got)
		}
	}
}
