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

	"github.com/allclear-hq/allclear/templates"
)

// bare runs the command line without a server.
func bare(t *testing.T, vars map[string]string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	lookup := func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
	code = run(&env{ctx: t.Context(), in: strings.NewReader(""), out: &o, err: &e, lookup: lookup}, args)
	return code, o.String(), e.String()
}

func TestWrongUsageIsOneLineAndExit2(t *testing.T) {
	token := map[string]string{"ALLCLEAR_TOKEN": "x"}
	history := filepath.Join(t.TempDir(), "history.jsonl")
	if err := os.WriteFile(history, []byte("hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		vars map[string]string
		want string
	}{
		{[]string{"nonsense"}, nil, "unexpected argument nonsense"},
		{[]string{"incident", "huge"}, token, `must be one of "none","minor","major","critical"`},
		{[]string{"incident", "major", "--title", "T"}, token, "there is no text"},
		{[]string{"incident", "major", "--text", "T"}, token, "there is no title"},
		{[]string{"update", "INC-1", "text"}, nil, "ALLCLEAR_TOKEN is not set"},
		{[]string{"update", "INC-1", "text"}, map[string]string{"ALLCLEAR_TOKEN": "x", "ALLCLEAR_URL": "nowhere"}, `ALLCLEAR_URL is "nowhere"`},
		{[]string{"update", "INC-1", "text", "--next", "soon"}, token, `--next "soon" is no time`},
		{[]string{"maintenance", "tomorrow", "2026-03-01T14:30:00Z", "-m", "text"}, token, `"tomorrow" is not a time: write it with its zone`},
		{[]string{"correct", "INC-1", "text"}, token, `"INC-1" names no update: write it like INC-1/3`},
		{[]string{"retract", "twelve", "why"}, token, `"twelve" is not a reference`},
		{[]string{"show", "twelve"}, token, `"twelve" is not a reference`},
		{[]string{"skip", "INC-1/2", "x"}, token, "say why it is skipped"},
		{[]string{"skip", "INC-1/2"}, token, "see allclear skip --help"},
		{[]string{"retry", "INC-1/2", "x", "why"}, token, "unexpected argument why; see allclear retry --help"},
		{[]string{"false_alarm", "--next", "20m"}, token, "unknown flag --next"},
		{[]string{"ack"}, token, "say how bad it is or what is affected"},
		{[]string{"subscribers", "import", "/no/such/file", "--bot", "tg"}, token, "/no/such/file"},
		{[]string{"subscribers", "import"}, token, "see allclear subscribers import --help"},
		{[]string{"replay", history}, token, "line 1 is no JSON object"},
		{[]string{"replay", "/no/such/file"}, token, "/no/such/file"},
		{[]string{"serve", "-c", "/no/such/file"}, nil, "there is no such file"},
		{[]string{"check", "-c", history}, nil, "history.jsonl:1:"},
		{[]string{"sim", "--listen", "0.0.0.0:0"}, nil, "is not loopback"},
		{[]string{"sim", "--listen", "8090"}, nil, "is no address"},
		{[]string{"sim", "--listen", "127.0.0.1:many"}, nil, "is no address"},
		{[]string{"sim", "--listen", "127.0.0.1:99999"}, nil, "is no address"},
		{[]string{"demo", "--listen", "0.0.0.0:0"}, nil, "is not loopback"},
		{[]string{"demo", "--listen", "8090"}, nil, "is no address"},
	} {
		code, _, errs := bare(t, tt.vars, tt.args...)
		if code != 2 || !strings.Contains(errs, tt.want) || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "allclear: ") {
			t.Errorf("%v: exit %d, %q, want exit 2 and one line with %q", tt.args, code, errs, tt.want)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	if code, out, _ := bare(t, nil); code != 0 || !strings.Contains(out, "demo") {
		t.Errorf("without arguments: exit %d, %q", code, out)
	}
	if code, out, errs := bare(t, nil, "help"); code != 0 || !strings.Contains(out, "Usage: allclear <command>") {
		t.Errorf("help: exit %d, %q, %q", code, out, errs)
	}
	if code, out, errs := bare(t, nil, "help", "retract"); code != 0 || !strings.Contains(out, "Usage: allclear retract") {
		t.Errorf("help of a command: exit %d, %q, %q", code, out, errs)
	}
	if code, out, _ := bare(t, nil, "version"); code != 0 || !strings.HasPrefix(out, "allclear ") {
		t.Errorf("version: exit %d, %q", code, out)
	}
	if code, out, _ := bare(t, nil, "token"); code != 0 || !strings.Contains(out, "token_env") || strings.Contains(out, "sha256") {
		t.Errorf("token: exit %d, %q", code, out)
	}
}

func TestFaultyTemplateStopsServe(t *testing.T) {
	s := newServer(t)
	dir := filepath.Join(s.dir, "templates.d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "en.tmpl"), []byte(`{{define "first"}}{{.Titel}}{{end}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := templates.Load(dir, []string{"en"}); err == nil {
		t.Fatal("the template is not faulty")
	}
	file := filepath.Join(s.dir, "faulty.toml")
	text := strings.Replace(s.toml, "[site]\n", "[site]\ntemplates = \"templates.d\"\n", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"serve", "check"} {
		code, _, errs := bare(t, nil, verb, "-c", file)
		if code != 2 || !strings.Contains(errs, "en.tmpl") || !strings.Contains(errs, "Titel") {
			t.Errorf("%s: exit %d, %q", verb, code, errs)
		}
	}
}

func TestCheckDescribesEveryChannel(t *testing.T) {
	s := newServer(t)
	file := filepath.Join(s.dir, "config.toml")
	if err := os.WriteFile(file, []byte(s.toml), 0o600); err != nil {
		t.Fatal(err)
	}
	out := s.must("check", "-c", file)
	for _, want := range []string{"4 accounts, 4 channels", "SIMULATOR", "example_status_bot", "can delete for 48 h", "thread per incident", "cannot edit", "$0.015 a post, $0.200 with a link", "no replies"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	s.sims.Down()
	if _, err := s.run("check", "-c", file); err == nil || !strings.Contains(err.Error(), "exit 1") {
		t.Errorf("with the platforms gone: %v, want exit 1", err)
	}
	if out := s.must("check", "--offline", "-c", file); !strings.Contains(out, "not contacted") {
		t.Errorf("offline: %s", out)
	}
}

// TestCheckTellsAllThatIsWrong checks that who mends a configuration does not have
// to ask again after each line, and hears what this version does not do.
func TestCheckTellsAllThatIsWrong(t *testing.T) {
	s := newServer(t)
	file := filepath.Join(s.dir, "config.toml")
	check := func(toml string) (int, string) {
		if err := os.WriteFile(file, []byte(toml), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, errs := bare(t, nil, "check", "--offline", "-c", file)
		return code, errs
	}
	code, errs := check(s.toml + "\n[hooks.a]\nkind = \"smoke\"\n[hooks.b]\nkind = \"fire\"\n")
	lines := strings.Split(strings.TrimSpace(errs), "\n")
	if code != 2 || len(lines) != 3 || !strings.Contains(lines[0], `"smoke"`) || !strings.Contains(lines[1], `"fire"`) || lines[2] != "allclear: 2 problems: see above" {
		t.Errorf("exit %d, %s", code, errs)
	}
	code, errs = check(s.toml + "\n[hooks.monitoring]\nkind = \"alertmanager\"\nsecret = \"a-secret-that-is-long-enough\"\n")
	if code != 0 || !strings.Contains(errs, "not in this version: [hooks]") {
		t.Errorf("exit %d, %s", code, errs)
	}
}

func TestCheckTellsHowLongAnAudienceTakes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.toml")
	for paid, want := range map[string]string{
		"":             "tells 10 000 in 6 min, 100 000 in 56 min, 1.0 M in 9 h, at 30 a second\n",
		"paid = 20000": "tells 10 000 in 10 s, 100 000 in 2 min, 1.0 M in 7 h, at 30 a second; the first 200 000 messages of an incident at 1000, for up to 20 000 Stars\n",
	} {
		toml := `site = { name = "Example", url = "https://status.example.com", language = "en", languages = ["en"], time_zone = "UTC" }
			store.url = "sqlite:allclear.db"
			[bots.tg]
			kind = "telegram"
			token = "42:secret"
			` + paid + `
			[[channels]]
			name = "people"
			bot = "tg"
			audience = true
			[[operators]]
			name = "Ana"
			role = "admin"
			telegram = "1001"
			`
		if err := os.WriteFile(file, []byte(toml), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out, errs := bare(t, nil, "check", "--offline", "-c", file); code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit %d, %s%s, want %q", code, out, errs, want)
		}
	}
}

func TestShowTellsWhereItArrived(t *testing.T) {
	s := newServer(t)
	if got := s.must("show"); got != "Nothing is open." {
		t.Errorf("show: %q", got)
	}
	s.opened()
	if got := s.must("show"); !strings.HasPrefix(got, "INC-1 major · investigating · Login is down") {
		t.Errorf("show: %q", got)
	}
	out := s.must("show", "inc1")
	for _, want := range []string{"INC-1/1", "Nobody can log in since noon.", "https://t.me/example_status/1", "discord", "wechat", "sent"} {
		if !strings.Contains(out, want) {
			t.Errorf("show INC-1 does not say %q:\n%s", want, out)
		}
	}
	var v struct {
		Incident   struct{ Ref string }
		Deliveries []struct{ State string }
	}
	if err := json.Unmarshal([]byte(s.must("--json", "show", "INC-1")), &v); err != nil || v.Incident.Ref != "INC-1" || len(v.Deliveries) != 4 {
		t.Errorf("--json: %+v %v", v, err)
	}
}

func TestDraftsNeedASecondPerson(t *testing.T) {
	s := newServer(t, `next = { critical = "20m" }`, "next = { critical = \"20m\" }\napprovals = { critical = 1 }",
		`telegram = "1002"`, "telegram = \"1002\"\ntoken = \"second-operator-token\"")
	if got := s.must("incident", "critical", "login", "--title", "Login is down", "--text", "Nobody can log in."); !strings.HasPrefix(got, "D-1 waits") {
		t.Fatalf("answer: %q", got)
	}
	if got := s.must("publish", "D-1"); !strings.Contains(got, "D-1 waits") {
		t.Errorf("the author published alone: %q", got)
	}
	if n := len(s.feed("telegram")); n != 0 {
		t.Fatalf("%d messages before anybody agreed", n)
	}
	var o, e bytes.Buffer
	code := run(&env{ctx: t.Context(), in: strings.NewReader(""), out: &o, err: &e, lookup: func(name string) (string, bool) {
		if name == "ALLCLEAR_TOKEN" {
			return "second-operator-token", true
		}
		return s.lookup(name)
	}}, []string{"publish", "D-1"})
	if code != 0 || !strings.Contains(o.String(), "INC-1/1 published") {
		t.Fatalf("exit %d: %s%s", code, o.String(), e.String())
	}
	s.settled("INC-1")
	s.wantTexts("telegram", "Nobody can log in.")
	if got := s.must("--json", "show", "INC-1"); !strings.Contains(got, `"next_update":"`) && !strings.Contains(got, `"next_update": "`) {
		t.Errorf("it promises nothing, against the policy: %s", got)
	}
}

func TestFreezeIsAFence(t *testing.T) {
	s := newServer(t, `role = "publisher"`, `role = "admin"`)
	s.opened()
	s.must("freeze", "--scope", "x", "impostors", "have", "our", "password")
	s.must("update", "INC-1", "We know more.")
	s.until("elsewhere", func() bool { return len(s.feed("telegram")) == 2 && len(s.feed("wechat")) == 2 })
	if got := s.state("INC-1/2", "x"); got != "held" {
		t.Errorf("state on x: %s, want held", got)
	}
	s.must("resolve", "INC-1", "It works again.")
	if out, err := s.run("unfreeze", "--scope", "x"); err == nil || !strings.Contains(err.Error(), `it is still frozen, and holds x 2: what shall be sent? Release "newest", "all" or "drop"`) {
		t.Errorf("lifted without a word on what is held: %q, %v", out, err)
	}
	s.must("unfreeze", "--scope", "x", "--release", "newest")
	s.until("newest on x", func() bool { return len(s.feed("x")) == 2 })
	s.wantTexts("x", "Nobody can log in", "It works again.")
	if got := s.state("INC-1/2", "x"); got != "superseded" {
		t.Errorf("state on x: %s, want superseded", got)
	}
}

func TestWhatAFreezeHeldIsChosen(t *testing.T) {
	s := newServer(t, `role = "publisher"`, `role = "admin"`)
	s.opened()
	s.must("freeze", "--scope", "x", "wait")
	for _, words := range []string{"We know more.", "We know why.", "It is nearly mended."} {
		s.must("update", "INC-1", words)
	}
	var ids []string
	for _, d := range s.deliveries("INC-1") {
		if d.Channel == "x" && d.Update != "INC-1/1" && d.Update != "INC-1/3" {
			ids = append(ids, d.ID)
		}
	}
	if out, err := s.run("unfreeze", "--scope", "x", "--release", "some"); err == nil || !strings.Contains(err.Error(), `release is "some": use "newest", "all", "drop" or a list of delivery ids`) {
		t.Errorf("lifted with a word that is none: %q, %v", out, err)
	}
	if got := s.must("unfreeze", "--scope", "x", "--release", strings.Join(ids, ",")); got != "Released: channel:x (2 chosen)." {
		t.Errorf("answered %q", got)
	}
	s.until("the chosen on x", func() bool { return s.state("INC-1/4", "x") == "sent" })
	s.wantTexts("x", "Nobody can log in", "We know more.", "It is nearly mended.")
	if got := s.state("INC-1/3", "x"); got != "skipped" {
		t.Errorf("state on x: %s, want skipped", got)
	}
	s.must("freeze", "--scope", "x", "wait")
	s.must("update", "INC-1", "It is mended.")
	all := s.deliveries("INC-1")
	id := all[slices.IndexFunc(all, func(d delivery) bool { return d.Channel == "x" && d.Update == "INC-1/5" })].ID
	if got := s.must("unfreeze", "--scope", "x", "--release", id); got != "Released: channel:x (1 chosen)." {
		t.Errorf("answered %q where one is chosen", got)
	}
}

func TestClientRepeatsALostAnswerOnce(t *testing.T) {
	s := newServer(t)
	calls := 0
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		req, _ := http.NewRequestWithContext(r.Context(), r.Method, s.url+r.URL.Path, r.Body)
		req.Header = r.Header.Clone()
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		if calls == 1 {
			panic(http.ErrAbortHandler) // carried out, and the answer lost
		}
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	}))
	defer proxy.Close()
	var o, e bytes.Buffer
	code := run(&env{ctx: t.Context(), in: strings.NewReader(""), out: &o, err: &e, lookup: func(name string) (string, bool) {
		if name == "ALLCLEAR_URL" {
			return proxy.URL, true
		}
		return s.lookup(name)
	}}, []string{"--json", "incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in."})
	if calls != 2 || code != 0 {
		t.Errorf("%d calls, exit %d: %s", calls, code, e.String())
	}
	s.settled("INC-1")
	if n := len(s.feed("telegram")); n != 1 {
		t.Errorf("%d incidents were opened, want 1", n)
	}
}

// Who does not wait for the answer is not asked whether a server runs.
func TestWhoInterruptsIsToldSo(t *testing.T) {
	list := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(list, []byte("chat_id\n1001\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"interrupted": {"show"},
		"interrupted before the answer came: it may have been done":                          {"freeze", "why"},
		"interrupted: a part of the list may be imported; import it again to have all of it": {"subscribers", "import", list, "--bot", "tg"},
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // so that it is seen that the client has gone
			interrupt()
			<-r.Context().Done()
		}))
		vars := map[string]string{"ALLCLEAR_URL": s.URL, "ALLCLEAR_TOKEN": "x"}
		lookup := func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
		var errs bytes.Buffer
		code := run(&env{ctx: ctx, in: strings.NewReader(""), out: io.Discard, err: &errs, lookup: lookup}, args)
		if got := errs.String(); code != 1 || got != "allclear: "+want+"\n" {
			t.Errorf("%v: exit %d, %q, want %q", args, code, got, want)
		}
		s.Close()
	}
}
