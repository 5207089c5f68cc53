package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/bots/sim"
)

// secretsOf are all secrets of the configuration that the scenario runs with.
func secretsOf() []string {
	return []string{
		demoToken, runbookTokens["Bo"], demoBot, strings.SplitN(demoBot, ":", 2)[1], demoDiscord, demoRobot, demoKeys.ConsumerKey, demoKeys.ConsumerSecret,
		demoKeys.AccessToken, demoKeys.AccessSecret, "whispered-to-the-hook", "guessed-by-a-stranger", "mistyped-as-a-path",
	}
}

// evidence is everything that a server wrote or said, by where.
type evidence map[string]string

// collect adds the files below a folder.
func (ev evidence) collect(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, ".toml") {
			return err
		}
		b, err := os.ReadFile(name)
		ev["file "+filepath.Base(name)] += string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ask adds what a request is answered.
func (ev evidence) ask(t *testing.T, s *server, method, path, token, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(path, "?")
	ev["answer "+method+" "+name] += string(answer)
	for key, values := range resp.Header {
		ev["header "+method+" "+name] += key + ": " + strings.Join(values, " ") + "\n"
	}
}

// find looks for secrets in whatever form they may take, and says where they are.
func (ev evidence) find(secrets []string) (out []string) {
	for where, text := range ev {
		for _, secret := range secrets {
			for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))} {
				if at := strings.Index(text, form); at >= 0 {
					out = append(out, fmt.Sprintf("%s has %q: …%q…", where, secret, text[max(at-80, 0):min(at+len(form)+20, len(text))]))
					break
				}
			}
		}
	}
	return out
}

// unkind has every platform answer in the ways in which secrets get out: errors
// with the address in them, and answers that repeat what was sent.
func unkind(w *sim.World) {
	for script, own := range map[*sim.Faults][]string{
		&w.Telegram.Faults: {demoBot}, &w.Discord.Faults: {demoDiscord}, &w.WeChat.Faults: {demoRobot},
		&w.X.Faults: {demoKeys.ConsumerKey, demoKeys.ConsumerSecret, demoKeys.AccessToken, demoKeys.AccessSecret},
	} {
		everything := strings.Join(own, " ")
		script.Add(
			sim.Fault{Kind: "cut"},
			sim.Fault{Kind: "html", Status: 502},
			sim.Fault{Kind: "status", Status: 400, Message: "unknown: " + everything},
			sim.Fault{Kind: "body", Status: 302, Body: everything},
			sim.Fault{Kind: "body", Status: 401, Body: `{"ok":false,"error_code":401,"errcode":93000,"code":50001,"description":"` + everything + `","errmsg":"` + everything + `","message":"` + everything + `","detail":"` + everything + `"}`},
			sim.Fault{Kind: "truncate"},
		)
	}
}

func TestNoSecretIsEverWritten(t *testing.T) {
	t.Parallel()
	pages := t.TempDir()
	s := newRunbookServer(t, "[policy]\n", "[web]\ndir = \""+pages+"\"\n\n[hooks.monitoring]\nkind = \"alertmanager\"\nsecret = \"whispered-to-the-hook\"\n\n[policy]\n")
	ev := evidence{}

	// Platforms that are down, unkind, and well again, twice.
	s.sims.Down()
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
	s.until("tried in vain", func() bool { return strings.Count(s.log.String(), "nothing was sent") >= 4 })
	unkind(s.world)
	if err := s.sims.Up(); err != nil {
		t.Fatal(err)
	}
	s.must("update", "INC-1", "A fix is in place.")
	s.until("refused and unsure", func() bool {
		return strings.Count(s.log.String(), "unsure") >= 4 && strings.Contains(s.log.String(), "unauthorized")
	})
	for _, args := range [][]string{{"check", "-c", s.dir + "/config.toml"}, {"show", "INC-1"}, {"export", "INC-1"}} {
		out, err := s.runAs(runbookTokens["Bo"], args...)
		ev["command "+args[0]] = out
		if err != nil {
			ev["command "+args[0]] += err.Error()
		}
	}
	for _, script := range []*sim.Faults{&s.world.Telegram.Faults, &s.world.Discord.Faults, &s.world.X.Faults, &s.world.WeChat.Faults} {
		script.Clear()
	}

	// People who say too much.
	ev.ask(t, s, "GET", "/v1/incidents?token=mistyped-as-a-path", "guessed-by-a-stranger", "")
	ev.ask(t, s, "POST", "/v1/incidents", demoToken, `{"title": "It is down", "body": 1}`)
	ev.ask(t, s, "POST", "/v1/incidents", "guessed-by-a-stranger", `{`)

	for _, path := range []string{
		"/", "/incidents/INC-1", "/metrics", "/readyz", "/healthz", "/.well-known/allclear.json", "/v1/incidents", "/v1/incidents/INC-1", "/v1/drafts", "/v1/channels",
		"/v1/audit", "/v1/deliveries?incident=INC-1", "/v1/export/INC-1", "/v1/openapi.json",
	} {
		ev.ask(t, s, "GET", path, demoToken, "")
	}
	ev["posts"] = s.feeds()
	s.stop()
	ev["log"] = s.log.String()
	ev.collect(t, s.dir)
	ev.collect(t, pages)
	for _, leak := range ev.find(secretsOf()) {
		t.Error(leak)
	}

	if len(ev["file demo.db"])+len(ev["file demo.db-wal"]) < 10_000 || !strings.Contains(ev["answer GET /v1/audit"], "INC-1") || ev["file index.html"] == "" {
		t.Error("there is little to look into; is this test looking in the right places?")
	}
	planted := evidence{"log": "Get http://127.0.0.1/bot" + demoBot + "/getMe"}
	if len(planted.find(secretsOf())) == 0 {
		t.Error("a planted secret was not found")
	}
}
