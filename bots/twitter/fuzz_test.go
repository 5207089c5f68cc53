package twitter

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/allclear-hq/allclear/bots"
)

func FuzzWeight(f *testing.F) {
	for _, pair := range [][2]string{
		{"Logins work.", "https://status.example.com/INC-12?x=(1)#a"},
		{"👨\u200D👩\u200D👧", "\u200D👦🏽\uFE0F 1\uFE0F\u20E3"},
		{"e", "\u0301xn--a.xn--b http://xn--はじめよう.com/ t.co/x.y"},
		{"-a.com _b.みんな", ".example.com中国語 @x.co #y.io 🇸🇬🇸 \xff\uFEFF"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		whole := a + "\n" + b
		runes := []rune(norm.NFC.String(whole))
		n := 0
		for length, weight := range current.pieces(runes) {
			if length <= 0 || weight <= 0 {
				t.Fatalf("a piece of %d runes weighs %d", length, weight)
			}
			n += length
		}
		if n != len(runes) {
			t.Errorf("the pieces of %q have %d runes of %d", whole, n, len(runes))
		}
		if Weight(norm.NFD.String(whole)) != Weight(whole) {
			t.Errorf("%q weighs another when decomposed", whole)
		}
		// Nothing counts together across white space, so a text cut there is lighter.
		if got, want := Weight(whole), Weight(a)+Weight("\n"+b); got != want {
			t.Errorf("%q weighs %d, its lines %d", whole, got, want)
		}
		if current.weight(runes) > rulesV2().weight(runes) {
			t.Errorf("%q is heavier with emoji counted as one", whole)
		}
	})
}

func FuzzURLs(f *testing.F) {
	for _, s := range []string{
		"http://example.com/a_(b(c)d).x?y=z&", "example.com:80/ foo.co.jp", "http://t.co/abc's", "a.😷b.com/",
		strings.Repeat("a.", 50) + "com", "(((((((a)))))))", "http://a.b/((((",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		runes := []rune(s)
		end := 0
		for _, u := range urls(runes) {
			if u.start < end || u.end <= u.start || u.end > len(runes) {
				t.Fatalf("%q: link %v after %d", s, u, end)
			}
			end = u.end
			if !slices.Contains(runes[u.start:u.end], '.') {
				t.Errorf("%q: a link without a dot: %v", s, u)
			}
		}
	})
}

func FuzzPunycodeLength(f *testing.F) {
	f.Add("bücher")
	f.Add("はじめよう")
	f.Add("a。b")
	f.Fuzz(func(t *testing.T, s string) {
		n := punycodeLength(s)
		if !utf8.ValidString(s) || len(s) > 200 {
			return
		}
		if n < utf8.RuneCountInString(s) {
			t.Errorf("%q has %d characters and %d in ASCII", s, utf8.RuneCountInString(s), n)
		}
	})
}

func TestPunycodeLength(t *testing.T) {
	for label, ascii := range map[string]string{ // RFC 3492, section 7.1, and known domains
		"example":                "example",
		"bücher":                 "xn--bcher-kva",
		"münchen":                "xn--mnchen-3ya",
		"みんな":                    "xn--q9jyb4c",
		"中国":                     "xn--fiqs8s",
		"他们为什么不说中文":              "xn--ihqwcrb4cv8a8dqg056pqjye",
		"Pročprostěnemluvíčesky": "xn--Proprostnemluvesky-uyb24dma41a",
		"ひとつ屋根の下2":               "xn--2-u9tlzr9756bt3uc0v",
		"☃":                      "xn--n3h",
		"почемужеонинеговорятпорусски": "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l",
	} {
		if got := punycodeLength(label); got != len(ascii) {
			t.Errorf("%s has %d characters in ASCII, want %d", label, got, len(ascii))
		}
	}
}

// FuzzAnswer feeds any answer to the classification.
func FuzzAnswer(f *testing.F) {
	f.Add(403, `{"errors":[{"code":187}]}`, "0", "1800000000")
	f.Add(429, `{"detail":"x","type":"usage-capped"}`, "", "x")
	f.Add(201, `{"data":{"id":"1"}}`, "5", "-3")
	f.Fuzz(func(t *testing.T, status int, body, remaining, reset string) {
		b := &Bot{client: bots.NewClient("a secret")}
		_, ex, cancel := b.client.Exchange(t.Context())
		defer cancel()
		ex.Status, ex.Body, ex.Header = status, []byte(body), http.Header{}
		ex.Header.Set("X-Rate-Limit-Remaining", remaining)
		ex.Header.Set("X-Rate-Limit-Reset", reset)
		fault := b.fault(ex, bots.Operation{Action: bots.Post, ReplyTo: "1"}, nil)
		if (fault == nil) != (status/100 == 2) {
			t.Fatalf("status %d: %v", status, fault)
		}
		if fault == nil {
			fault = b.noAnswer(ex, bots.Operation{}, "no answer")
		}
		if fault.Kind == "" || fault.Detail != bots.OneLine(fault.Detail) || strings.Contains(fault.Detail, "a secret") {
			t.Errorf("%#v", fault)
		}
		if fault.Kind == bots.RateLimited && fault.Until.Before(time.Now()) {
			t.Errorf("limited until %v", fault.Until)
		}
		alreadyGone(ex)
		quota(ex.Header)
	})
}

func FuzzPlain(f *testing.F) {
	f.Add("a  b\nHTTPS://Status.Example.com/", "https://t.co/x")
	f.Fuzz(func(t *testing.T, text, short string) {
		if once := plain(text, nil); strings.ContainsAny(once, "\n\t") || once != strings.TrimSpace(once) {
			t.Errorf("plain(%q) = %q", text, once)
		}
		plain(text, []link{{Short: short, Full: "https://example.com/"}})
	})
}
