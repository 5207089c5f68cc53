package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/internal/incident"
)

var update = flag.Bool("update", false, "write the expected messages of testdata from what is said now")

// environment is what the fixtures find in their environment.
func environment(name string) (string, bool) {
	v, ok := map[string]string{
		"TELEGRAM_TOKEN":     "1001:from-the-environment",
		"DISCORD_TOKEN":      "discord.from.the-environment",
		"X_CONSUMER_KEY":     "x-consumer-key",
		"X_CONSUMER_SECRET":  "x-consumer-secret",
		"X_ACCESS_TOKEN":     "x-access-token",
		"X_ACCESS_SECRET":    "x-access-secret",
		"WECOM_KEY":          "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa",
		"ANA_TOKEN":          "ana-token-from-the-environment",
		"BO_TOKEN":           "bo-token-from-the-environment",
		"ALERTMANAGER_TOKEN": "alertmanager-secret",
		"GRAFANA_SECRET":     "grafana-secret",
		"EMPTY":              "",
	}[name]
	return v, ok
}

// fixtures returns the names of testdata/dir/*.toml without the ending, and
// makes that folder the working directory.
func fixtures(t *testing.T, dir string) []string {
	t.Helper()
	t.Chdir(filepath.Join("testdata", dir))
	files, err := filepath.Glob("*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures in %s: %v", dir, err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(f, ".toml")
	}
	return files
}

// checkGolden compares got with NAME.txt.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name+".txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestBadConfigurations(t *testing.T) {
	names := fixtures(t, "bad")
	if len(names) < 45 {
		t.Errorf("%d bad fixtures: some are missing", len(names))
	}
	for _, name := range names {
		cfg, err := Load(name+".toml", environment)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if cfg != nil {
			t.Errorf("%s: a configuration beside the error", name)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one line: %q", name, err)
		}
		checkGolden(t, name, err.Error()+"\n")
	}
}

// A fixture of one mistake must not depend on which of several is told.
func TestBadConfigurationsHaveOneFault(t *testing.T) {
	for _, name := range fixtures(t, "bad") {
		data, err := os.ReadFile(name + ".toml")
		if err != nil {
			t.Fatal(err)
		}
		d := newDocument(name+".toml", environment)
		d.parse(data)
		if len(d.faults) != 1 {
			t.Errorf("%s: %d faults: %v", name, len(d.faults), d.faults)
		}
	}
}

// All that is wrong is told, by line, and nothing of what only follows from a mistake.
func TestAllFaultsAreTold(t *testing.T) {
	const site = "[site]\nname = \"Example\"\nurl = \"https://status.example.com\"\n" // three lines
	for _, x := range []struct {
		name, text string
		want       []string // how each begins
	}{
		{
			"a secret that is not set",
			site + "hosts = [\"https://bad\"]\n[web]\nlisten = \"127.0.0.1:http\"\n" +
				"[bots.tg]\nkind = \"telegram\"\ntoken_env = \"NOT_SET\"\n" +
				"[[channels]]\nname = \"a\"\nbot = \"nobody\"\n[[channels]]\nname = \"A\"\nbot = \"tg\"\ntarget = \"@example\"\n" +
				"[[operators]]\nname = \"Ana\"\nrole = \"admin\"\ntoken_env = \"NOT_SET\"\n",
			[]string{`4: "https://bad" is not`, "6: web.listen cannot be", "9: environment variable NOT_SET is not set", `12: there is no bot "nobody"`, "14: this name stands in line 11", "20: environment variable NOT_SET"},
		},
		{
			"what cannot be decoded",
			"[site]\nname = 5\nurl = \"https://status.example.com\"\n[store]\nurl = \"sqlite:\"\n" +
				"[bots.tg]\nkind = \"telegrm\"\ntoken = \"1:a\"\n[bots.wx]\nkind = \"wechat\"\n" +
				"[[channels]]\nname = \"a\"\nlanguage = \"de\"\nbot = \"tg\"\n[[channels]]\nname = \"b\"\nbot = \"wx\"\ntraget = \"@b\"\n" +
				"[[channels]]\nname = \"c\"\nbot = \"wx\"\ntarget = \"@c\"\n",
			[]string{"2: site.name is an integer", "5: store.url names no file", "7: bots.tg.kind cannot be", "9: key is missing", "18: unknown key", "22: wechat channels have no target"},
		},
		{
			"a section of another name",
			site + "[bot.tg]\nkind = \"telegram\"\ntoken = \"1:a\"\n[[channels]]\nname = \"page\"\nbot = \"tg\"\ntarget = \"@example\"\n",
			[]string{`4: unknown section "bot"`, `8: channel name "page" means`},
		},
		{
			"a key before all sections",
			"name = \"Example\"\n[site]\nurl = \"https://status.example.com\"\n",
			[]string{`1: unknown key "name"`},
		},
		{
			"a key of another section",
			"[web]\nurl = \"https://status.example.com\"\n[site]\nname = \"Example\"\n",
			[]string{`2: key "url" does not belong here`},
		},
	} {
		_, err := Parse("config.toml", []byte(x.text), environment)
		var got Faults
		if !errors.As(err, &got) || len(got) != len(x.want) {
			t.Errorf("%s: told are %d, want %d:\n%s", x.name, len(got), len(x.want), strings.Join(got, "\n"))
			continue
		}
		for i, want := range x.want {
			if !strings.HasPrefix(got[i], "config.toml:"+want) {
				t.Errorf("%s: %s, want %s", x.name, got[i], want)
			}
		}
	}
}

func TestGoodConfigurations(t *testing.T) {
	for _, name := range fixtures(t, "good") {
		cfg, err := Load(name+".toml", environment)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var warnings strings.Builder
		for _, w := range cfg.Warnings {
			if strings.Contains(w, "\n") {
				t.Errorf("%s: more than one line: %q", name, w)
			}
			warnings.WriteString(w + "\n")
		}
		checkGolden(t, name, warnings.String())
	}
}

func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	cfg, err := Parse("config.toml", []byte(text), environment)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

const minimal = `
[site]
name = "Example"
url = "https://status.example.com/"
[bots.tg]
kind = "telegram"
token = "1:a"
[[channels]]
name = "tg"
bot = "tg"
target = "@example_status"
`

func TestDefaults(t *testing.T) {
	got := mustParse(t, minimal)
	got.Warnings = nil
	want := &Config{
		Site: Site{
			Name: "Example", URL: "https://status.example.com",
			Language: "en", Languages: []string{"en"}, TimeZone: time.UTC,
			Warning: map[string]string{}, KeyFile: "allclear.key",
		},
		Store: Store{URL: NewSecret("sqlite:allclear.db"), Dir: "allclear-state"},
		Web:   Web{Listen: "127.0.0.1:8080", Proxies: []string{}},
		Policy: Policy{
			Unsure: UnsurePolicy{Public: Ask, People: Assume},
			Ack:    "ack", Hold: "hold", FalseAlarm: "false_alarm",
			MissingTranslation: ShowOriginal, Correction: Loud, Retraction: Tombstone,
		},
		Bots:     map[string]Bot{"tg": {Name: "tg", Kind: Telegram, Token: NewSecret("1:a")}},
		Channels: []Channel{{Name: "tg", Bot: "tg", Target: "@example_status", Language: "en"}},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(sameZone)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func sameZone(a, b *time.Location) bool { return a.String() == b.String() }

// The values of a full file arrive where they belong.
func TestFullConfiguration(t *testing.T) {
	t.Chdir(filepath.Join("testdata", "good"))
	got, err := Load("full.toml", environment)
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Asia/Singapore")
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Site: Site{
			Name: "Example Exchange", URL: "https://status.example.com",
			Language: "en", Languages: []string{"en", "zh-Hans"}, TimeZone: zone,
			Hosts:     []string{"status.example.com", "example.com"},
			Warning:   map[string]string{"en": "We never ask for keys.", "zh-Hans": "我们从不索要密钥。"},
			Templates: "templates.d", KeyFile: "/var/lib/allclear/allclear.key",
		},
		Store: Store{URL: NewSecret("postgres://allclear@db/allclear"), Dir: "/var/lib/allclear"},
		Web:   Web{Listen: "127.0.0.1:8080", PublicListen: ":8081", Dir: "/srv/status", Proxies: []string{"127.0.0.1", "10.0.0.0/8", "fd00::/8"}},
		Policy: Policy{
			Approvals: map[string]int{"critical": 1, "notice": 1},
			Unsure:    UnsurePolicy{Public: Resend, People: Ask},
			Ack:       "ack@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", Hold: "", FalseAlarm: "false_alarm",
			Next:               map[incident.Impact]time.Duration{incident.Critical: 20 * time.Minute, incident.Major: 90 * time.Minute},
			MissingTranslation: HoldBack, Correction: EditOnly, Retraction: Delete,
		},
		Bots: map[string]Bot{
			"tg": {
				Name: "tg", Kind: Telegram, APIURL: "http://127.0.0.1:8081", Rate: 500.5, Live: true,
				Token: NewSecret("1001:from-the-environment"), Paid: 2000,
			},
			"dc": {
				Name: "dc", Kind: Discord, APIURL: "https://discord.example/api/v10", Rate: 10,
				Token: NewSecret("discord.from.a-file"), Application: "3001", Guild: "3002",
			},
			"x": {
				Name: "x", Kind: Twitter, API: TwitterV2,
				ConsumerKey: NewSecret("x-consumer-key"), ConsumerSecret: NewSecret("x-consumer-secret"),
				AccessToken: NewSecret("x-access-token"), AccessSecret: NewSecret("x-access-secret"),
			},
			"wecom": {Name: "wecom", Kind: WeChat, Key: NewSecret("693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa")},
		},
		Channels: []Channel{
			{Name: "tg-en", Bot: "tg", Target: "@example_status", Language: "en", Thread: true, Pin: true},
			{Name: "everybody", Bot: "tg", Language: "en", Audience: true},
			{Name: "discord", Bot: "dc", Target: "4001", Language: "en", Thread: true, Crosspost: true, Pin: true},
			{Name: "x", Bot: "x", Language: "en", Replies: MentionedReply},
			{Name: "wechat", Bot: "wecom", Language: "zh-Hans"},
			{Name: "drill", Bot: "tg", Target: "-1009", Language: "en", Drill: true},
		},
		Rooms: []Room{
			{Bot: "dc", Target: "4002"},
			{Bot: "tg", Target: "-1009", Drill: true},
		},
		Operators: []Operator{
			{Name: "Ana", Role: Publisher, Telegram: "1001", Discord: "2001", TokenHash: HashOf("ana-token-from-the-environment")},
			{Name: "Bo Łu", Role: Admin, Telegram: "1002"},
		},
		Components: []Component{
			{ID: "login", Name: "login"},
			{ID: "withdrawals", Name: "Withdrawals", Group: "Funds"},
		},
		Hooks: map[string]Hook{"monitoring": {Name: "monitoring", Kind: Alertmanager, Secret: NewSecret("alertmanager-secret")}},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(sameZone), cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Warnings" }, cmp.Ignore())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is paid for goes at the rate that is set, where that is more than there
// is for nothing, and all else at no more than that.
func TestRates(t *testing.T) {
	for _, c := range []struct {
		rate       float64
		paid       int
		free, bulk float64
	}{
		{rate: 0, paid: 5, free: 0, bulk: 1000},
		{rate: 20, paid: 5, free: 20, bulk: 1000},
		{rate: 30, paid: 5, free: 30, bulk: 1000},
		{rate: 250, paid: 5, free: 30, bulk: 250},
		{rate: 1000, paid: 5, free: 30, bulk: 1000},
		{rate: 250, paid: 0, free: 250, bulk: 250},
	} {
		b := Bot{Kind: Telegram, Rate: c.rate, Paid: c.paid}
		if free, bulk := b.FreeRate(), b.PaidRate(); free != c.free || bulk != c.bulk {
			t.Errorf("rate %v and %d Stars: %v free and %v paid, want %v and %v", c.rate, c.paid, free, bulk, c.free, c.bulk)
		}
	}
}

func TestSimulated(t *testing.T) {
	for url, want := range map[string]bool{
		"":                        false,
		"https://api.example.com": false,
		"http://127.0.0.1:9000/x": true,
		"http://127.8.0.1":        true,
		"http://localhost:9000":   true,
		"https://[::1]:9000":      true,
		"https://localhost.evil":  false,
	} {
		if got := (Bot{APIURL: url}).Simulated(); got != want {
			t.Errorf("%q simulated: %v", url, got)
		}
		if (Bot{APIURL: url, Live: true}).Simulated() {
			t.Errorf("%q simulated although live", url)
		}
	}
}

func TestNeeds(t *testing.T) {
	p := Policy{Approvals: map[string]int{"critical": 2, "notice": 1, "none": 0}}
	for _, x := range []struct {
		kind   incident.Kind
		impact incident.Impact
		want   int
	}{
		{incident.Outage, incident.Critical, 2},
		{incident.Outage, incident.Minor, 0},
		{incident.Notice, incident.ImpactNone, 1},
		{incident.Notice, incident.Critical, 2},
	} {
		if got := p.Needs(x.kind, x.impact); got != x.want {
			t.Errorf("%s %s needs %d, want %d", x.kind, x.impact, got, x.want)
		}
	}
}

// Files named in a configuration are found from its folder, wherever the
// command was typed.
func TestRelativePaths(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.toml")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("token", "1:from-a-file\n")
	write("config.toml", strings.Replace(minimal, `token = "1:a"`, `token_file = "token"`, 1)+"\n[web]\ndir = \"pages\"\n")
	cfg, err := Load(file, environment)
	if err != nil {
		t.Fatal(err)
	}
	for what, x := range map[string][2]string{
		"token": {cfg.Bots["tg"].Token.Reveal(), "1:from-a-file"},
		"store": {cfg.Store.URL.Reveal(), "sqlite:" + filepath.Join(dir, "allclear.db")},
		"key":   {cfg.Site.KeyFile, filepath.Join(dir, "allclear.key")},
		"pages": {cfg.Web.Dir, filepath.Join(dir, "pages")},
	} {
		if x[0] != x[1] {
			t.Errorf("%s: %q, want %q", what, x[0], x[1])
		}
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("large.toml", make([]byte, configLimit+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"absent.toml":  "absent.toml: there is no such file; write one from config.example.toml, or name another with --config",
		".":            ".: cannot be read: it is a folder; the file must be readable by the user that runs allclear",
		"large.toml":   "large.toml: cannot be read: it is larger than 1024 KiB; the file must be readable by the user that runs allclear",
		"large.toml/x": "large.toml/x: cannot be read: not a directory; the file must be readable by the user that runs allclear",
	} {
		_, err := Load(name, environment)
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
