package audit

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/internal/incident"
)

var update = flag.Bool("update", false, "write the golden files anew") //nolint:gochecknoglobals // how tests take flags

// clockwork makes the times of a story: one second per minute past noon.
func past(minutes, seconds int) time.Time {
	return time.Date(2026, 3, 1, 12, minutes, seconds, 250_000_000, time.UTC)
}

// story collects records as a server would keep them, with salts that are the
// same in each run.
type story struct {
	t  *testing.T
	ev Evidence
}

func (s *story) add(r Record, detail any) {
	s.t.Helper()
	if detail != nil {
		r.Detail = mustJSON(s.t, detail)
	}
	text := mustJSON(s.t, sealed{r, fmt.Sprintf("SALT%d", len(s.ev.Lines))})
	s.ev.Lines = append(s.ev.Lines, Line{Digest: Digest(text), Record: text})
	s.ev.Time = r.At
}

// others adds lines about something else.
func (s *story) others(n int) {
	for range n {
		s.ev.Lines = append(s.ev.Lines, Line{Digest: Digest(fmt.Sprint("other ", len(s.ev.Lines)))})
	}
}

func (s *story) command(at time.Time, who, verb, subject, detail string) {
	s.add(Record{At: at, Actor: who, Origin: "telegram", Verb: verb, Subject: subject, Detail: detail, Incident: s.ev.Ref}, nil)
}

func (s *story) delivery(at time.Time, d Delivered, text string) {
	if text != "" {
		sum := Digest(text)
		d.Text, s.ev.Texts[sum] = &sum, text
	}
	s.add(Record{At: at, Actor: Self, Origin: Self, Verb: VerbDelivery, Subject: fmt.Sprintf("%s/%d", s.ev.Ref, d.Update), Incident: s.ev.Ref}, d)
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// facts are those of the story after some minutes.
func storyFacts(status incident.Status, ended time.Time) Facts {
	return Facts{Kind: incident.Outage, Title: "Login | withdrawals <b>down</b>", Impact: incident.Critical, Status: status,
		Components: map[string]incident.ComponentState{"login": incident.MajorOutage}, CreatedAt: past(0, 0), ResolvedAt: ended}
}

func (s *story) said(n int, status incident.Status, at, next, ended time.Time, text incident.Text) {
	f := storyFacts(status, ended)
	s.add(Record{At: at, Actor: "Ana", Origin: Self, Verb: VerbSaid, Subject: fmt.Sprintf("INC-12/%d", n), Incident: "INC-12"}, Said{
		Facts: f, Update: n, Status: status, Impact: f.Impact, Components: f.Components, NextUpdate: next, ApprovedBy: []string{"Bo"},
		Wording: Wording{Revision: 1, Title: f.Title, Text: text, Author: "Ana", At: at},
	})
}

// outage is a whole incident: two channels of which one fails first, a
// correction, a retraction, a refusal, one promise kept and one broken.
func outage(t *testing.T) Evidence {
	s := &story{t, Evidence{Ref: "INC-12", Site: "https://status.example.com", Texts: map[Hash]string{}}}
	s.others(2)
	post := func(n int, channel, platform, state string, accepted, at time.Time) Delivered {
		return Delivered{Update: n, Channel: channel, Platform: platform, Delivery: "7", Kind: "post", Action: "post", State: state, Revision: 1, AcceptedAt: accepted, SentAt: at}
	}
	s.said(1, incident.Investigating, past(0, 0), past(20, 0), time.Time{}, incident.Text{"en": "Nobody can log in.\n\n```\ncode\n```", "zh-Hans": "无法登录。"})
	s.command(past(0, 0), "Bo", "publish", "INC-12/1", `{"Draft":"D-17","Reason":""}`)
	d := post(1, "tg-en", "telegram", "sent", past(0, 0), past(0, 1))
	d.Message, d.URL = "11", "https://t.me/example_status/11"
	s.delivery(past(0, 1), d, "Investigating\nNobody can log in.\nINC-12/1 · 12:00 UTC")
	d = post(1, "x", "twitter", "failed", past(0, 0), time.Time{})
	d.Error = "unauthorized 402: no | credits"
	s.delivery(past(0, 2), d, "")
	s.others(1)
	s.command(past(3, 0), "Ana", "posted", "INC-12/1", `{"Update":"INC-12/1","Channel":"x","URL":"https://x.example/1"}`)
	d = post(1, "x", "twitter", "posted", past(0, 0), past(3, 0))
	d.URL = "https://x.example/1"
	s.delivery(past(3, 0), d, "")
	s.add(Record{At: past(4, 0), Actor: "Ana", Origin: Self, Verb: VerbReworded, Subject: "INC-12/1", Incident: "INC-12"},
		Reworded{Facts: storyFacts(incident.Investigating, time.Time{}), Update: 1, Wording: Wording{Revision: 2, Title: "Login is down", Text: incident.Text{"en": "=Few can log in."}, Author: "Ana", At: past(4, 0)}})
	d = post(1, "tg-en", "telegram", "sent", past(4, 0), past(4, 2))
	d.Action, d.Revision, d.URL = "edit", 2, "https://t.me/example_status/11"
	s.delivery(past(4, 2), d, "=Few can log in.")
	s.said(2, incident.Identified, past(15, 0), past(40, 0), time.Time{}, incident.Text{"en": "We know the cause."})
	s.command(past(15, 1), "Cy", "retract", Refused, "Cy may not retract: ask a publisher")
	s.add(Record{At: past(16, 0), Actor: "Ana", Origin: Self, Verb: VerbWithdrawn, Subject: "INC-12/2", Incident: "INC-12"},
		Withdrawn{Facts: storyFacts(incident.Investigating, time.Time{}), Update: 2, Reason: "We do not know it yet.", Author: "Ana", At: past(16, 0)})
	s.said(3, incident.Resolved, past(46, 30), time.Time{}, past(46, 30), incident.Text{"en": "All clear."})
	s.others(1)
	return s.ev
}

// testKey is a key that is the same in each run.
func testKey(t *testing.T) *Key {
	t.Helper()
	key, err := LoadKey(filepath.Join("testdata", "test.key"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func mustSign(t *testing.T, ev Evidence) *Export {
	t.Helper()
	x, err := Sign(ev, testKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestGolden(t *testing.T) {
	x := mustSign(t, outage(t))
	table, err := x.CSV()
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"outage.json": x.JSON, "outage.md": x.Markdown(), "outage.csv": table} {
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got; go test -update writes it anew):\n%s", name, diff)
		}
	}
}

func TestReport(t *testing.T) {
	r := mustSign(t, outage(t)).Report
	if *r.FirstDelay != 1 || *r.Updates[0].FirstDelay != 1 || *r.Updates[0].Skew != 179 {
		t.Errorf("first after %v, last channel %v later", *r.Updates[0].FirstDelay, *r.Updates[0].Skew)
	}
	came, late := past(15, 0), past(46, 30)
	want := []Promise{
		{Update: "INC-12/1", Due: past(20, 0), State: "kept", By: "INC-12/2", At: &came},
		{Update: "INC-12/2", Due: past(40, 0), State: "broken", By: "INC-12/3", At: &late, Late: 390},
	}
	if diff := cmp.Diff(want, r.Promises); diff != "" {
		t.Errorf("promises (-want +got):\n%s", diff)
	}
}

// Whether a promise was moved is on record, and so is the template of an update.
func TestPromiseMoved(t *testing.T) {
	s := &story{t, Evidence{Ref: "INC-12", Texts: map[Hash]string{}}}
	s.said(1, incident.Investigating, past(0, 0), past(20, 0), time.Time{}, incident.Text{"en": "x"})
	s.add(Record{At: past(10, 0), Verb: VerbSaid, Subject: "INC-12/2", Incident: "INC-12"}, Said{
		Update: 2, Status: incident.Investigating, NextUpdate: past(40, 0), Template: incident.MovedPhrase, Wording: Wording{Revision: 1, At: past(10, 0)}})
	s.ev.Time = past(50, 0)
	x := mustSign(t, s.ev)
	if p := x.Report.Promises; p[0].State != "moved" || p[1].State != "broken" {
		t.Errorf("promises %+v", p)
	}
	if page := string(x.Markdown()); !strings.Contains(page, "| Promises | 1 moved, 1 broken |") || !strings.Contains(page, "template moved") {
		t.Errorf("the page says:\n%s", page)
	}
}

func TestPromiseStillOpen(t *testing.T) {
	for _, tc := range []struct {
		now   time.Time
		state string
		late  float64
	}{{past(10, 0), "open", 0}, {past(20, 0), "open", 0}, {past(21, 0), "broken", 60}} {
		s := &story{t, Evidence{Ref: "INC-12", Texts: map[Hash]string{}}}
		s.said(1, incident.Investigating, past(0, 0), past(20, 0), time.Time{}, incident.Text{"en": "x"})
		s.ev.Time = tc.now
		p := mustSign(t, s.ev).Report.Promises[0]
		if p.State != tc.state || p.Late != tc.late || p.At != nil {
			t.Errorf("at %s the promise is %+v, want %s", tc.now, p, tc.state)
		}
	}
}

func TestVerify(t *testing.T) {
	x := mustSign(t, outage(t))
	got, err := Verify(x.JSON)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(x, got); diff != "" {
		t.Errorf("read back (-signed +verified):\n%s", diff)
	}
}

// No byte of an export can be another, be missing, or be there twice. A short
// export is tried whole, a long one in samples.
func TestVerifyFindsEveryChangedByte(t *testing.T) {
	s := &story{t, Evidence{Ref: "INC-12", Site: "https://status.example.com", Texts: map[Hash]string{}}}
	s.others(1)
	s.said(1, incident.Resolved, past(0, 0), time.Time{}, past(0, 0), incident.Text{"en": "x"})
	s.delivery(past(0, 1), Delivered{Update: 1, Channel: "x", Kind: "post", Action: "post", State: "sent", AcceptedAt: past(0, 0), SentAt: past(0, 1)}, "INC-12/1 x")
	for name, tc := range map[string]struct {
		data []byte
		step int
	}{"short": {mustSign(t, s.ev).JSON, 1}, "long": {mustSign(t, outage(t)).JSON, 53}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := 0; at < len(tc.data); at += tc.step {
				before, after := tc.data[:at], tc.data[at+1:]
				flip := []byte{1, 0x20, 0x80}[at%3]
				mustFail(t, fmt.Sprintf("bits %#x at %d", flip, at), before, []byte{tc.data[at] ^ flip}, after)
				if at%16 == 0 {
					mustFail(t, fmt.Sprint("a byte less at ", at), before, after)
					mustFail(t, fmt.Sprint("a space more at ", at), before, []byte(" "), tc.data[at:])
				}
			}
			mustFail(t, "the end", tc.data[:len(tc.data)-1])
			mustFail(t, "a line more", tc.data, []byte("\n"))
		})
	}
}

// mustFail verifies an export put together from parts.
func mustFail(t *testing.T, what string, parts ...[]byte) {
	t.Helper()
	_, err := Verify(slices.Concat(parts...))
	if err == nil {
		t.Errorf("%s, after %q, is not found", what, parts[0][max(0, len(parts[0])-30):])
	} else if strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: the error has several lines: %q", what, err)
	}
}

// The error says where.
func TestVerifySaysWhat(t *testing.T) {
	data := string(mustSign(t, outage(t)).JSON)
	sent := Digest("Investigating\nNobody can log in.\nINC-12/1 · 12:00 UTC").String()
	for _, tc := range []struct{ old, new, want string }{
		{`\"Nobody can log in.`, `\"Everybody can log in.`, "record 3: it was changed"},
		{`"en": "All clear."`, `"en": "All good."`, "report.updates[2].revisions[0].text.en: it is not what the records say"},
		{`"author": "Ana"`, `"author": "Eve"`, "report.updates[0].author: it is not"},
		{`"title": "Login | with`, `"title": "No login | with`, "report.title: it is not"},
		{sent + `": "Inv`, sent + `": "inv`, "texts." + sent},
		{Digest("other 1").String(), Digest("other 9").String(), "record 3: it does not follow"},
		{`{"id":4,`, `{"id":5,`, "record 5: it stands at line 4"},
		{`"head": {"id":`, `"head": {"id":1`, "head: the chain ends"},
		{"\n  \"ref\"", "\n \"ref\"", "line 6: it is not written"},
		{`"value":"`, `"value":"AAAA`, "signature: key"},
		{`"site": "https://status`, `"site": "https://stätus`, "signature: key"},
		{`"format": "allclear export 1"`, `"format": "allclear export 2"`, `format: it is "allclear export 2"`},
		{`"ref": "INC-12"`, `"ref": "INC-13"`, "report.promises[0].by: it is not"},
		{"\"chain\": [\n", "\"chain\": [\n\n", "line"},
		{`"chain"`, `"chains"`, `unknown field "chains"`},
		{"{\n\"format\"", "# Markdown\n\"format\"", "no export in JSON"},
	} {
		changed := strings.Replace(data, tc.old, tc.new, 1)
		if changed == data {
			t.Errorf("%q is not in the export", tc.old)
			continue
		}
		if _, err := Verify([]byte(changed)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q for %q: %v, want %q", tc.new, tc.old, err, tc.want)
		}
	}
}

// Whoever leaves out a record and signs again has another key.
func TestSelectionIsSigned(t *testing.T) {
	ev := outage(t)
	ev.Lines[len(ev.Lines)-2].Record = "" // the last update is a digest now
	forged, err := Sign(ev, mustKey(t))
	if err != nil {
		t.Fatal(err)
	}
	x, err := Verify(forged.JSON)
	if err != nil || x.Signature.ID == testKey(t).Public.ID || len(x.Report.Updates) != 2 {
		t.Errorf("signed by %+v, %v", x, err)
	}
	honest := mustSign(t, outage(t))
	content, err := forged.content()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := honest.content()
	if err != nil {
		t.Fatal(err)
	}
	doctored, err := seal(content, testKey(t).sign(honest.statement(whole)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(doctored); err == nil || !strings.Contains(err.Error(), "did not sign") {
		t.Errorf("the signature of the whole holds for a part: %v", err)
	}
}

func TestErased(t *testing.T) {
	ev := outage(t)
	ev.Lines[2].Record, ev.Lines[2].Erased = "", true
	x := mustSign(t, ev)
	got, err := Verify(x.JSON)
	if err != nil || got.Report.Erased != 1 || got.Report.Updates[0].AcceptedAt != nil {
		t.Fatalf("report %+v, %v", got, err)
	}
	if !strings.Contains(string(x.Markdown()), "an unknown time") {
		t.Error("the page does not say what it does not know")
	}
}

func TestSpan(t *testing.T) {
	for seconds, want := range map[float64]string{0: "0.0 s", 1.26: "1.3 s", 59.9: "59.9 s", 60: "1 min 0 s", 3599: "59 min 59 s", 3661: "1 h 1 min", 90000: "25 h 0 min"} {
		if got := span(seconds); got != want {
			t.Errorf("span(%v) = %q, want %q", seconds, got, want)
		}
	}
}

func TestCellsAreData(t *testing.T) {
	if got := cell("a|b\n<c> `d` [e](f) *g*"); got != "a\\|b \\<c\\> \\`d\\` \\[e\\](f) \\*g\\*" {
		t.Errorf("cell: %s", got)
	}
	if got := fenced("a\n````\nb"); got != "`````text\na\n````\nb\n`````\n" {
		t.Errorf("fenced: %q", got)
	}
	for in, want := range map[string]string{"=1+1": "'=1+1", "@x": "'@x", "-1": "'-1", "＝x": "'＝x", "plain": "plain", "": ""} {
		if got := inert(in); got != want {
			t.Errorf("inert(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("testdata", "outage.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{string(golden), "{}", "", "[]", `{"format":"allclear export 1","chain":[null,1,{}],"head":{"time":"9999-12-31T23:59:59Z"}}`,
		`{"format":"allclear export 1","report":null,"texts":null,"chain":null,"head":{"id":0,"hash":"` + Hash{}.String() + `","time":"0001-01-01T00:00:00Z"},"signature":{}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := Verify(data)
		switch {
		case err != nil && strings.Contains(err.Error(), "\n"):
			t.Errorf("the error has several lines: %q", err)
		case err == nil && !bytes.Equal(data, golden) && x.Signature.ID == "":
			t.Errorf("holds without a key: %q", data)
		case err == nil:
			x.Markdown()
			if _, err := x.CSV(); err != nil {
				t.Error(err)
			}
		}
	})
}
