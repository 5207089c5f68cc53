package config

import (
	"encoding/hex"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
	"golang.org/x/text/language"
)

// check completes a decoded configuration and finds what cannot be. A table that
// could not be decoded whole is passed by, so that one mistake is told once.
func (d *document) check(cfg *Config) {
	if d.whole("site") {
		d.checkSite(&cfg.Site)
	}
	if d.whole("store") {
		d.checkStore(&cfg.Store)
	}
	if d.whole("web") {
		d.checkWeb(&cfg.Web)
	}
	if d.whole("policy") {
		d.checkPolicy(&cfg.Policy)
	}
	d.checkBots(cfg)
	d.checkChannels(cfg)
	d.checkRooms(cfg)
	d.checkOperators(cfg.Operators)
	d.checkComponents(cfg.Components)
	d.checkHooks(cfg)
	d.advise(cfg)
}

// need reports a required text that is missing or empty.
func (d *document) need(at path, value, remedy string) bool {
	switch {
	case value != "":
		return true
	case d.has(at):
		d.fault(at, "%s is empty; %s", at, remedy)
	default:
		d.fault(at, "%s is missing; %s", at, remedy)
	}
	return false
}

// unique reports a value that a list has already, case aside, and otherwise
// remembers it.
func (d *document) unique(at path, what, value string, seen map[string]path) {
	if value == "" {
		return
	}
	value = strings.ToLower(value)
	if first, ok := seen[value]; ok {
		d.fault(at, "%s stands in line %d already; change or remove one", what, d.line(first))
		return
	}
	seen[value] = at
}

var wordForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$`)

// wordy reports a name that cannot be typed as one word of a command, or
// stand in an address.
func (d *document) wordy(at path, what, name string) bool {
	if !wordForm.MatchString(name) {
		d.fault(at, "%s %q is not a plain word; use 1 to 32 of a-z, A-Z, 0-9, - and _, beginning with a letter or digit", what, name)
		return false
	}
	if _, _, err := incident.ParseUpdateRef(name); err == nil {
		d.fault(at, "%s %q reads like a reference to an incident; use another name", what, name)
		return false
	}
	return true
}

func (d *document) checkSite(s *Site) {
	const at = path("site")
	d.need(at.key("name"), s.Name, `write the name that the public knows, like name = "Example Exchange"`)
	if d.need(at.key("url"), s.URL, `write the address of the status page, like url = "https://status.example.com"`) {
		s.URL = d.webAddress(at.key("url"), s.URL)
	}
	d.checkLanguages(s)
	for i, h := range s.Hosts {
		if s.Hosts[i] = strings.ToLower(h); !hostName(s.Hosts[i]) {
			d.fault(at.key("hosts").index(i), "%q is not a host name; write it without https://, port and path", h)
		}
	}
	if d.has(at.key("key_file")) {
		d.need(at.key("key_file"), s.KeyFile, "write the path of the signing key, or leave the line out")
	}
	s.Templates, s.KeyFile = d.resolve(s.Templates), d.resolve(s.KeyFile)
}

// checkLanguages brings all tags into canonical form.
func (d *document) checkLanguages(s *Site) {
	const at = path("site")
	s.Language = d.tag(at.key("language"), s.Language)
	if !d.has(at.key("languages")) {
		s.Languages = []string{s.Language}
	}
	seen := map[string]path{}
	for i, l := range s.Languages {
		s.Languages[i] = d.tag(at.key("languages").index(i), l)
		d.unique(at.key("languages").index(i), "language "+strconv.Quote(l), s.Languages[i], seen)
	}
	if s.Language != "" && !slices.Contains(s.Languages, s.Language) {
		d.fault(at.key("languages"), "site.language %q is not among site.languages; add it", s.Language)
	}
	texts, warned := map[string]string{}, map[string]path{}
	for _, l := range slices.Sorted(maps.Keys(s.Warning)) {
		tag := d.known(at.key("warning").key(l), l, s)
		d.unique(at.key("warning").key(l), "the warning for "+strconv.Quote(l), tag, warned)
		if d.need(at.key("warning").key(l), s.Warning[l], "write the text, or leave the language out") {
			texts[tag] = s.Warning[l]
		}
	}
	s.Warning = texts
}

// tag returns a language tag in canonical form, and nothing for a bad one.
func (d *document) tag(at path, s string) string {
	t, err := language.Parse(s)
	if err != nil || t == language.Und || strings.ContainsAny(s, "_.@") {
		d.fault(at, `%q is not a language; write its tag, like "en", "pt-BR" or "zh-Hans"`, s)
		return ""
	}
	return t.String()
}

// known is tag for a language that the site must have.
func (d *document) known(at path, s string, site *Site) string {
	tag := d.tag(at, s)
	if tag != "" && d.whole("site") && !slices.Contains(site.Languages, tag) {
		d.fault(at, "language %q is not among site.languages (%s); add it there", tag, strings.Join(site.Languages, ", "))
	}
	return tag
}

// webAddress returns an http or https address without slashes at the end. Its
// messages do not repeat the address, which may hold a password.
func (d *document) webAddress(at path, s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		d.fault(at, `%s is not a web address; write it like "https://status.example.com"`, at)
	case u.User != nil:
		d.fault(at, "%s contains a user or password; remove them", at)
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		d.fault(at, "%s contains ? or #; write only the part before", at)
	case !port(u.Port()):
		d.fault(at, "%s has a port that cannot be; write 1 to 65535", at)
	}
	return strings.TrimRight(s, "/")
}

// port reports whether s is a port number or empty.
func port(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return s == "" || err == nil && n > 0
}

var hostForm = regexp.MustCompile(`^[\pL\pN]([\pL\pN-]*[\pL\pN])?(\.[\pL\pN]([\pL\pN-]*[\pL\pN])?)*$`)

func hostName(s string) bool { return len(s) <= 253 && hostForm.MatchString(s) }

// loopbackURL reports whether an address is that of this machine.
func loopbackURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

func (d *document) checkStore(s *Store) {
	at, text := path("store.url"), s.URL.Reveal()
	file, sqlite := strings.CutPrefix(text, "sqlite:")
	switch {
	case sqlite && file == "":
		d.fault(at, `store.url names no file; write it like "sqlite:allclear.db"`)
	case sqlite && strings.HasPrefix(file, "//"):
		d.fault(at, `store.url has slashes too many; write "sqlite:PATH", like "sqlite:/var/lib/allclear/allclear.db"`)
	case sqlite && file != ":memory:":
		s.URL = NewSecret("sqlite:" + d.resolve(file))
	case sqlite:
		d.fault(at, "store.url keeps nothing after a crash; name a file instead of :memory:")
	default:
		d.checkPostgres(at, text)
	}
	if d.has("store.dir") {
		d.need("store.dir", s.Dir, "write the path of a folder of this server's own, or leave the line out")
	}
	s.Dir = d.resolve(s.Dir)
}

func (d *document) checkPostgres(at path, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Host == "" && !u.Query().Has("host") {
		d.fault(at, `store.url is not a database; write "sqlite:allclear.db" or "postgres://user@host/database"`)
	}
}

func (d *document) checkWeb(w *Web) {
	const at = path("web")
	if d.need(at.key("listen"), w.Listen, `write the address to listen on, like "127.0.0.1:8080"`) {
		d.checkListen(at.key("listen"), w.Listen)
	}
	if w.PublicListen != "" {
		d.checkListen(at.key("public_listen"), w.PublicListen)
	}
	if w.PublicListen != "" && w.PublicListen == w.Listen && !strings.HasSuffix(w.Listen, ":0") {
		d.fault(at.key("public_listen"), "web.public_listen and web.listen are the same; use two ports")
	}
	for i, text := range w.Proxies {
		if n, err := parseNetwork(text); err != nil || n.Bits() == 0 {
			d.fault(at.key("proxies").index(i), `%q is not an address of a proxy; write one like "10.0.0.5" or "10.0.0.0/8"`, text)
		}
	}
	w.Dir = d.resolve(w.Dir)
}

// checkListen accepts HOST:PORT, where the host may be empty and the port 0.
func (d *document) checkListen(at path, s string) {
	host, p, err := net.SplitHostPort(s)
	_, ipErr := netip.ParseAddr(host)
	if err != nil || p == "" || p != "0" && !port(p) || host != "" && ipErr != nil && !hostName(host) {
		d.fault(at, `%s cannot be %q; write host and port, like "127.0.0.1:8080"`, at, s)
	}
}

func (d *document) checkPolicy(p *Policy) {
	const at = path("policy")
	keys := append(words(incident.Impacts...), words(incident.Kinds...)...)
	for _, key := range slices.Sorted(maps.Keys(p.Approvals)) {
		here := at.key("approvals").key(key)
		if !slices.Contains(keys, key) {
			d.unknown(here, "key", key, keys)
		} else if n := p.Approvals[key]; n < 0 || n > 100 {
			d.fault(here, "%s cannot be %d; write how many people besides the author must agree", here, n)
		}
	}
	for _, impact := range slices.Sorted(maps.Keys(p.Next)) {
		if promise := p.Next[impact]; promise <= 0 || promise > 30*24*time.Hour {
			d.fault(at.key("next").key(string(impact)), `a promise cannot be %s; write up to 30 days, like "20m"`, promise)
		}
	}
	for _, key := range incident.ApprovedPhrases {
		value := p.Approved()[key]
		if pin, named := strings.CutPrefix(value, key); value != "" && (!named || !pinForm.MatchString(pin)) {
			d.fault(at.key(key), "%q is no approved template; write %q for the text of this release, %q for one of your own (allclear check prints it), or \"\" for none",
				value, key, key+"@sha256:…")
		}
	}
}

// pinForm is what may follow the name of an approved template.
var pinForm = regexp.MustCompile(`^(@sha256:[0-9a-f]{64})?$`)

func (d *document) checkOperators(operators []Operator) {
	names, telegram, discord, tokens := map[string]path{}, map[string]path{}, map[string]path{}, map[string]path{}
	for i, o := range operators {
		at := path("operators").index(i)
		if !d.whole(at) {
			continue
		}
		if d.need(at.key("name"), o.Name, "write the name by which the others know this person") {
			d.checkPersonName(at.key("name"), o.Name)
		}
		d.need(at.key("role"), string(o.Role), "write author, reviewer, publisher or admin")
		d.checkDigits(at.key("telegram"), o.Telegram, "@names can change hands; write the user id in digits")
		d.checkDigits(at.key("discord"), o.Discord, "names can change hands; write the user id in digits")
		d.unique(at.key("name"), "this name", o.Name, names)
		d.unique(at.key("telegram"), "this Telegram user", o.Telegram, telegram)
		d.unique(at.key("discord"), "this Discord user", o.Discord, discord)
		if !o.TokenHash.IsZero() {
			d.unique(d.secretAt(at, "token"), "this token", hex.EncodeToString(o.TokenHash[:]), tokens)
		} else if o.Telegram == "" && o.Discord == "" && !d.has(at.key("token")) {
			d.fault(at, "operator %q cannot be recognised anywhere; add telegram, discord or token", o.Name)
		}
	}
}

// secretAt is the place of a secret in the form in which the file gives it.
func (d *document) secretAt(table path, key string) path {
	if form, ok := d.secret[table.key(key)]; ok {
		return table.key(form)
	}
	return table.key(key)
}

var personForm = regexp.MustCompile(`^[\pL\pN][\pL\pM\pN .'’_-]{0,63}$`)

func (d *document) checkPersonName(at path, name string) {
	if !personForm.MatchString(name) {
		d.fault(at, "operator name %q cannot be; use up to 64 letters, digits, spaces and . ' - _, beginning with a letter or digit", name)
	}
}

var digits = regexp.MustCompile(`^[0-9]{1,20}$`)

func (d *document) checkDigits(at path, id, remedy string) {
	if id != "" && !digits.MatchString(id) {
		d.fault(at, "%s %q is not an id; %s", at.last(), id, remedy)
	}
}

var componentForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

func (d *document) checkComponents(components []Component) {
	ids, names := map[string]path{}, map[string]path{}
	for i := range components {
		c, at := &components[i], path("components").index(i)
		if !d.whole(at) || !d.need(at.key("id"), c.ID, `write the word that commands use, like "withdrawals"`) {
			continue
		}
		switch id := at.key("id"); {
		case !componentForm.MatchString(c.ID):
			d.fault(id, "component id %q is not a plain word; use 1 to 32 of a-z, 0-9, - and _, beginning with a letter", c.ID)
		case slices.Contains(incident.Impacts, incident.Impact(c.ID)):
			d.fault(id, "component id %q is also an impact; use another word", c.ID)
		case c.ID == "all": // of them, in a list of subscribers
			d.fault(id, "component id %q would be all components; use another word", c.ID)
		default:
			d.wordy(id, "component id", c.ID)
		}
		if c.Name == "" {
			c.Name = c.ID
		}
		d.unique(at.key("id"), "this id", c.ID, ids)
		d.unique(at.key("name"), "this name in its group", c.Group+"\n"+c.Name, names)
	}
}

func (d *document) checkHooks(cfg *Config) {
	for _, name := range slices.Sorted(maps.Keys(cfg.Hooks)) {
		h, at := cfg.Hooks[name], path("hooks").key(name)
		h.Name = name
		cfg.Hooks[name] = h
		if !d.whole(at) {
			continue
		}
		d.wordy(at, "hook", name)
		d.need(at.key("kind"), string(h.Kind), "write alertmanager, grafana or pagerduty")
		d.needSecret(at, "secret", h.Secret, "the secret that the sender proves to know")
	}
}

// needSecret reports a secret that the file gives in no form.
func (d *document) needSecret(table path, key string, value Secret, what string) {
	if value.IsZero() && !d.has(table.key(key)) {
		d.fault(table, "%s is missing: %s; add %[1]s, %[1]s_env or %[1]s_file", key, what)
	}
}
