package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSubscribersAsJSON checks that a script is told of a list what the API answers,
// with what was refused of it, and that standard output has JSON if that is wanted.
func TestSubscribersAsJSON(t *testing.T) {
	s := newServer(t, slices.Concat(withAudience, []string{`role = "publisher"`, `role = "admin"`})...)
	file := filepath.Join(s.dir, "people.csv")
	for _, tt := range []struct{ list, want string }{
		{"chat_id\n1001\n", `{"imported":{"added":1,"changed":0,"unchanged":0,"left":0}}`},
		{"chat_id,language\n1001,en\n1002,tlh\n", `{"imported":{"added":0,"changed":0,"unchanged":1,"left":0},` +
			`"refused":{"count":1,"first":[{"line":3,"detail":"language \"tlh\" is not one of en, zh-Hans"}]}}`},
	} {
		if err := os.WriteFile(file, []byte(tt.list), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := s.run("--json", "subscribers", "import", file, "--bot", "tg")
		if strings.TrimSpace(got) != tt.want || (err != nil) != strings.Contains(tt.want, "refused") {
			t.Errorf("%q: %s, %v, want %s", tt.list, got, err, tt.want)
		}
	}
	if got, want := s.must("--json", "subscribers", "export", "-", "--bot", "tg"), `{"chat_id":1001,"language":"en","components":["all"],"impact":"none","topic":0}`; got != want {
		t.Errorf("exported: %s, want %s", got, want)
	}
}

// TestImportOfAListMostlyEmpty checks that the empty lines between two people, which
// are sent so that each line keeps its number, do not make a part too large.
func TestImportOfAListMostlyEmpty(t *testing.T) {
	s := newServer(t, slices.Concat(withAudience, []string{`role = "publisher"`, `role = "admin"`})...)
	file := filepath.Join(s.dir, "people.csv")
	list := "chat_id,language\n1001,en\n" + strings.Repeat("\n", 8*partSize) + "1002,tlh\n1003,en\n"
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	got := s.faulty("subscribers", "import", file, "--bot", "tg")
	if want := `people.csv: line 2097155: language "tlh" is not one of en, zh-Hans` + "\n2 lines imported, 1 refused"; !strings.HasPrefix(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}
