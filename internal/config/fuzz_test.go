package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParse checks that whatever a file holds, there is either one line about
// it or a configuration that the rest of the program can rely on.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.toml", "testdata/bad/*.toml", exampleFile} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := newDocument("config.toml", environment)
		d.read = func(string) ([]byte, error) { return nil, errors.New("no files here") }
		cfg := d.parse(data)
		if err := d.faulty(); err != nil {
			checkLine(t, err.Error())
			return
		}
		for _, w := range d.warnings {
			checkLine(t, d.format(w))
		}
		checkReliable(t, cfg)
	})
}

func checkLine(t *testing.T, s string) {
	t.Helper()
	if !strings.HasPrefix(s, "config.toml:") || strings.ContainsAny(s, "\n\r") || !utf8.ValidString(s) {
		t.Errorf("not one line about the file: %q", s)
	}
}

func checkReliable(t *testing.T, cfg *Config) {
	t.Helper()
	if len(cfg.Channels) == 0 || cfg.Site.TimeZone == nil || cfg.Site.URL == "" || cfg.Store.URL.IsZero() {
		t.Errorf("not complete: %+v", cfg)
	}
	for _, c := range cfg.Channels {
		b, ok := cfg.Bots[c.Bot]
		if !ok || c.Name == "" || c.Language == "" || on(b.Kind).targets && !c.Audience && c.Target == "" {
			t.Errorf("not a channel: %+v", c)
		}
	}
	for _, r := range cfg.Rooms {
		if b, ok := cfg.Bots[r.Bot]; !ok || !on(b.Kind).chats || r.Target == "" {
			t.Errorf("not a room: %+v", r)
		}
	}
	for name, b := range cfg.Bots {
		for _, s := range on(b.Kind).secrets {
			if b.Name != name || b.secretOf(s.key).IsZero() {
				t.Errorf("bot %q has no %s", name, s.key)
			}
		}
	}
	for _, o := range cfg.Operators {
		if o.Role == "" || o.Telegram == "" && o.Discord == "" && o.TokenHash.IsZero() {
			t.Errorf("not an operator: %+v", o)
		}
	}
}
