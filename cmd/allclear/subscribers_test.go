package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
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

// How far an audience is reads in a shell as in a room, with what is paid for.
func TestShownOfAnAudience(t *testing.T) {
	var d delivery
	const answer = `{"audience":{"told":40,"unsure":3,"failed":7,"to_settle":6,"passed":100,"people":10100,"per_second":1000,"paid":2000,"unpaid_per_second":30}}`
	if err := json.Unmarshal([]byte(answer), &d); err != nil {
		t.Fatal(err)
	}
	const want = "40 of 5050 · 1000/s · done in 2 min · 3 unsure · 7 failed" // 5 s if all were paid for, 3 min if nothing were
	if got := d.Audience.String(); got != want {
		t.Errorf("shown is %q, want %q", got, want)
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

// TestImportThatEndsEarly checks that nobody takes for imported what may not be, nor
// the other way round: where it was interrupted, and where the server failed.
func TestImportThatEndsEarly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(file, []byte("chat_id\n"+strings.Repeat("1001\n", partSize/4)), 0o600); err != nil { // in two parts
		t.Fatal(err)
	}
	const imported, failed = `{"imported":{"added":1,"unchanged":1}}`, `{"title":"Internal Server Error","detail":"this server failed"}`
	for name, tt := range map[string]struct {
		answers     []string // to the parts; then it fails
		interrupted int      // before so many answers
		want        string
	}{
		"interrupted before it began":  {nil, 0, "interrupted: nothing is imported"},
		"interrupted in its beginning": {nil, 1, "interrupted: a part of the list may be imported; import it again to have all of it"},
		"interrupted later":            {[]string{imported}, 2, "interrupted: a part of the list is imported; import it again to have all of it"},
		"failed in its beginning":      {nil, 9, "this server failed: a part of the list may be imported; import again when it is settled"},
		"failed later":                 {[]string{imported}, 9, "this server failed: what stands before it is imported; import again when it is settled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, interrupt := context.WithCancel(t.Context())
			if tt.interrupted == 0 {
				interrupt()
			}
			asked := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if asked++; asked == tt.interrupted {
					interrupt()
					<-r.Context().Done()
					return
				}
				if asked <= len(tt.answers) {
					_, _ = io.WriteString(w, tt.answers[asked-1])
					return
				}
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = io.WriteString(w, failed)
			}))
			defer s.Close()
			vars := map[string]string{"ALLCLEAR_URL": s.URL, "ALLCLEAR_TOKEN": "x"}
			var errs bytes.Buffer
			code := run(&env{ctx: ctx, in: strings.NewReader(""), out: io.Discard, err: &errs, lookup: func(name string) (string, bool) { v, ok := vars[name]; return v, ok }},
				[]string{"subscribers", "import", file, "--bot", "tg"})
			if got := errs.String(); code != 1 || !strings.HasSuffix(got, "allclear: "+tt.want+"\n") {
				t.Errorf("exit %d, %q, want %q", code, got, tt.want)
			}
		})
	}
}

// TestExportThatCannotBePutInPlace checks that nothing is said to be exported before
// the file is there.
func TestExportThatCannotBePutInPlace(t *testing.T) {
	s := newServer(t, slices.Concat(withAudience, []string{`role = "publisher"`, `role = "admin"`})...)
	folder := filepath.Join(s.dir, "people")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := s.run("subscribers", "export", folder, "--bot", "tg"); err == nil || got != "" {
		t.Errorf("%q, %v", got, err)
	}
}
