package discord

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bwmarrin/discordgo"
	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
)

// used is a command as it was used with those options, given in order.
func used(command string, given ...[2]string) interaction {
	in := interaction{Type: discordgo.InteractionApplicationCommand}
	in.Data.Name = command
	for _, g := range given {
		in.Data.Options = append(in.Data.Options, option{Name: g[0], Value: quote(g[1])})
	}
	return in
}

// sent is a form as it comes back, with what was filled in already and the
// text typed.
func sent(f form, text string) interaction {
	in := interaction{Type: discordgo.InteractionModalSubmit}
	in.Data.CustomID = f.CustomID
	for _, l := range f.Components {
		value := l.Component.Value
		if l.Component.CustomID == textOption {
			value = text
		}
		in.Data.Components = append(in.Data.Components, component{Component: &component{CustomID: l.Component.CustomID, Value: value}})
	}
	return in
}

func TestAsks(t *testing.T) {
	b := newBot(t, "http://127.0.0.1:1")
	if _, ok := b.asks(used("update")); ok {
		t.Error("a form opens although no commands are known")
	}
	update := updateCommand()
	b.forms.Store(&map[string]bots.Command{"update": update})
	for name, c := range map[string]struct {
		in   interaction
		want bool
	}{
		"without a text":  {used("update", [2]string{"incident", "INC-12"}), true},
		"with a blank":    {used("update", [2]string{"text", " "}), true},
		"with a text":     {used("update", [2]string{"text", "Better."}), false},
		"another command": {used("show"), false},
		"a press":         {interaction{Type: discordgo.InteractionMessageComponent}, false},
		"too long":        {used("update", [2]string{"incident", strings.Repeat("x", maxInput+1)}), false},
	} {
		if _, ok := b.asks(c.in); ok != c.want {
			t.Errorf("%s: a form opens: %t", name, ok)
		}
	}
}

// FuzzForm checks that whatever is given with a command comes back with its
// form, within Discord's bounds.
func FuzzForm(f *testing.F) {
	f.Add("critical", "login withdrawals", "20m", "Logins work.")
	f.Add("", strings.Repeat("界", 90), strings.Repeat("x", 4001), "\n")
	f.Add(`"<&>\`, "\u2028", "{}", "a\nb")
	b := newBot(f, "http://127.0.0.1:1")
	b.forms.Store(&map[string]bots.Command{"incident": incidentCommand()})
	f.Fuzz(func(t *testing.T, impact, components, title, text string) {
		if !utf8.ValidString(impact + components + title + text) {
			return // JSON is UTF-8
		}
		in := used("incident", [2]string{"impact", impact}, [2]string{"components", components}, [2]string{"title", title})
		m, ok := b.asks(in)
		if !ok {
			return
		}
		checkBounds(t, m)
		name, options, ok := sent(m, text).submitted()
		want := values(append(slices.Clone(in.Data.Options), option{Name: textOption, Value: quote(text)}))
		if d := cmp.Diff(want, values(options)); !ok || name != "incident" || d != "" {
			t.Errorf("command %q, options (-want +got)\n%s", name, d)
		}
	})
}

func checkBounds(t *testing.T, m form) {
	t.Helper()
	if n := utf8.RuneCountInString(m.CustomID); n < 1 || n > 100 || len(m.Components) > 5 {
		t.Errorf("custom_id of %d, %d inputs", n, len(m.Components))
	}
	for _, l := range m.Components {
		if n := utf8.RuneCountInString(l.Component.Value); n > l.Component.MaxLength || l.Component.MaxLength > 4000 {
			t.Errorf("input %s: %d of %d", l.Component.CustomID, n, l.Component.MaxLength)
		}
	}
}

// FuzzSubmitted reads custom ids that we did not write.
func FuzzSubmitted(f *testing.F) {
	for _, s := range []string{`{"c":"x","g":[["a","b"]]}`, `{"c":"x","g":[["a"],null,[]]}`, `{"c":""}`, `null`, `[]`, `x`, ``} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		in := interaction{}
		in.Data.CustomID = id
		name, options, ok := in.submitted()
		if ok != (name != "") {
			t.Errorf("%q: %t with the command %q", id, ok, name)
		}
		for _, o := range options {
			if !json.Valid(o.Value) {
				t.Errorf("%q: option %+v", id, o)
			}
		}
	})
}
