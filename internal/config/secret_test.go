package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const hidden = "hunter2"

func TestSecretIsNeverShown(t *testing.T) {
	s := NewSecret(hidden)
	holder := struct {
		Open   Secret
		closed Secret
		Map    map[string]Bot
	}{s, s, map[string]Bot{"tg": {Token: s, ConsumerKey: s}}}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%e", "%10.3s"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", &s)
		fmt.Fprintf(&out, verb+"\n", holder)
		fmt.Fprintf(&out, verb+"\n", []any{s, &holder})
	}
	fmt.Fprintln(&out, s, holder.closed, s.GoString())
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("text", "secret", s, "holder", holder, "bot", holder.Map["tg"])
	}
	if err := json.NewEncoder(&out).Encode(holder); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{hidden, fmt.Sprintf("%x", hidden), fmt.Sprintf("%X", hidden), fmt.Sprint([]byte(hidden))} {
		if strings.Contains(out.String(), form) {
			t.Errorf("shown as %s in:\n%s", form, out.String())
		}
	}
	if !strings.Contains(out.String(), "***") {
		t.Error("no sign that there is a secret")
	}
	if s.Reveal() != hidden {
		t.Errorf("reveals %q", s.Reveal())
	}
}

func TestEmptySecret(t *testing.T) {
	s := NewSecret("")
	if !s.IsZero() || s.String() != "" || s.Reveal() != "" || !s.Equal(Secret{}) {
		t.Errorf("an empty secret is %q, reveals %q", s, s.Reveal())
	}
}

// Whatever is wrong with a secret, the message does not repeat it.
func TestMessagesKeepSecrets(t *testing.T) {
	for _, line := range []string{
		`token = hunter2`,
		`token = 'hunter2`,
		`token = "hunter2`,
		`token = "hunter2\q"`,
		`token = "hun ter2 hunter2"`,
		`token = "https://hunter2"`,
		`token = 1hunter2`,
		`token = 1_hunter2_`,
		`token = 2026-hunter2`,
		`token = 0xhunter2`,
		`token = 2026-11-22 hunter2`,
		`token = hunter2 hunter2`,
		`token = "a" hunter2`,
		`token hunter2`,
		`token = 1.hunter2`,
		`token = [ "hunter2" ]`,
		`token = { hunter = "hunter2" }`,
		`token_env = "hunter2"`,
		`token_env = "$hunter2"`,
		`token_file = "hunter2"`,
		"token = \"hunter2\"\ntoken_env = \"hunter2\"",
		"token = \"x\"\napi_url = \"https://hunter2:hunter2@example.com:x\"",
		"token = \"x\"\napi_url = \"https://example.com/?hunter2#hunter2\"",
		"token = \"hunter2\"\n[bots.other]\nkind = \"telegram\"\ntoken = \"hunter2\"",
		"token = \"x\"\n[store]\nurl = \"postgres://a:hunter2@\"",
		"token = \"x\"\n[store]\nurl = \"mysql://a:hunter2@b\"",
		"token = \"x\"\n[[operators]]\nname = \"Ana\"\nrole = \"boss\"\ntoken = \"hunter2\"",
	} {
		_, err := Parse("config.toml", []byte(strings.Replace(minimal, `token = "1:a"`, line, 1)), environment)
		if err == nil {
			t.Errorf("accepted: %s", line)
		} else if strings.Contains(err.Error(), "unter2") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestHash(t *testing.T) {
	if !(Hash{}).IsZero() || (Hash{}).String() != "" {
		t.Error("the zero hash is not that of nothing")
	}
	h := HashOf(hidden)
	if h.IsZero() || h == HashOf("hunter3") {
		t.Error("hashes do not tell tokens apart")
	}
	if want := "sha256:f52fbd32…"; h.String() != want {
		t.Errorf("got %s, want %s", h, want)
	}
}
