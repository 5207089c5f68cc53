package twitter

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"gopkg.in/yaml.v3"
)

// The older configurations, which parts of the conformance data are about.
func rulesV1() rules { return rules{max: 140, link: 23, light: 1, heavy: 1} }
func rulesV2() rules { return rules{max: 280, link: 23, light: 1, heavy: 2} }

// mustLoad reads a file of the conformance data.
func mustLoad(t testing.TB, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "twitter-text", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

type validCase struct {
	Description string
	Text        string
	Expected    bool
}

type parseCase struct {
	Description string
	Text        string
	Expected    parsed
}

// parsed is what the reference's parseTweet returns. Ranges are in UTF-16 and
// include their ends.
type parsed struct {
	WeightedLength    int `yaml:"weightedLength"`
	Valid             bool
	Permillage        int
	DisplayRangeStart int `yaml:"displayRangeStart"`
	DisplayRangeEnd   int `yaml:"displayRangeEnd"`
	ValidRangeStart   int `yaml:"validRangeStart"`
	ValidRangeEnd     int `yaml:"validRangeEnd"`
}

func utf16Length(s string) int { return len(utf16.Encode([]rune(s))) }

// parse counts text as parseTweet does, from the same pieces as Weight.
func (c rules) parse(text string) parsed {
	composed := norm.NFC.String(text)
	runes := []rune(composed)
	p := parsed{DisplayRangeEnd: max(utf16Length(text)-1, 0), Valid: true}
	at, end := 0, 0
	for n, w := range c.pieces(runes) {
		p.WeightedLength += w
		end += len(utf16.Encode(runes[at : at+n]))
		at += n
		p.Valid = p.Valid && !isInvalid(runes[at-1])
		if p.Valid && p.WeightedLength <= c.max {
			p.ValidRangeEnd = end - 1
		}
	}
	p.ValidRangeEnd += utf16Length(text) - utf16Length(composed)
	p.Permillage = p.WeightedLength * 1000 / c.max
	p.Valid = p.Valid && 0 < p.WeightedLength && p.WeightedLength <= c.max
	return p
}

func TestConformanceValidate(t *testing.T) {
	var data struct {
		Tests struct {
			Tweets               []validCase
			Usernames            []validCase
			Lists                []validCase
			Hashtags             []validCase
			URLs                 []validCase
			URLsWithoutProtocol  []validCase `yaml:"urls_without_protocol"`
			Weighted             []parseCase `yaml:"WeightedTweetsCounterTest"`
			WeightedWithEmoji    []parseCase `yaml:"WeightedTweetsWithDiscountedEmojiCounterTest"`
			UnicodeDirectionMark []parseCase `yaml:"UnicodeDirectionalMarkerCounterTest"`
		}
	}
	mustLoad(t, "validate.yml", &data)
	for section, s := range map[string]struct {
		cases []validCase
		valid func(string) bool
	}{
		"tweets":                {data.Tests.Tweets, func(s string) bool { return rulesV1().check(s) == nil }},
		"usernames":             {data.Tests.Usernames, isUsername},
		"lists":                 {data.Tests.Lists, isList},
		"hashtags":              {data.Tests.Hashtags, isHashtag},
		"urls":                  {data.Tests.URLs, func(s string) bool { return isURL(s, true) }},
		"urls_without_protocol": {data.Tests.URLsWithoutProtocol, func(s string) bool { return isURL(s, false) }},
	} {
		if len(s.cases) == 0 {
			t.Errorf("%s: no cases", section)
		}
		for _, c := range s.cases {
			if got := s.valid(c.Text); got != c.Expected {
				t.Errorf("%s: %s: %q is valid: %t, want %t", section, c.Description, c.Text, got, c.Expected)
			}
		}
	}
	for section, s := range map[string]struct {
		cases []parseCase
		rules rules
	}{
		"WeightedTweetsCounterTest":                    {data.Tests.Weighted, rulesV2()},
		"WeightedTweetsWithDiscountedEmojiCounterTest": {data.Tests.WeightedWithEmoji, current},
		"UnicodeDirectionalMarkerCounterTest":          {data.Tests.UnicodeDirectionMark, current},
	} {
		if len(s.cases) == 0 {
			t.Errorf("%s: no cases", section)
		}
		for _, c := range s.cases {
			if d := cmp.Diff(c.Expected, s.rules.parse(c.Text)); d != "" {
				t.Errorf("%s: %s (-want +got)\n%s", section, c.Description, d)
			}
		}
	}
}

// What follows judges names, tags and whole URLs, which the product never
// needs to: it is here so that all of validate.yml is checked, from
// twitter-text's own definitions.

func isUsername(s string) bool {
	return regexp.MustCompile(`^[@＠][a-zA-Z0-9_]{1,20}$`).MatchString(s)
}

func isList(s string) bool {
	return regexp.MustCompile(`^[@＠][a-zA-Z0-9_]{1,20}/[a-zA-Z][a-zA-Z0-9_-]{0,24}$`).MatchString(s)
}

func isHashtag(s string) bool {
	const rest = `[\p{L}\p{M}\p{Nd}_]*`
	return regexp.MustCompile(`^[#＃]` + rest + `[\p{L}\p{M}]` + rest + `$`).MatchString(s)
}

func isURL(s string, needScheme bool) bool {
	const (
		word  = `(?:[a-z0-9]|[^\x00-\x7F])`
		label = word + `(?:(?:[-a-z0-9]|[^\x00-\x7F])*` + word + `)?`
		sub   = word + `(?:(?:[-_a-z0-9]|[^\x00-\x7F])*` + word + `)?`
		tld   = `(?:[a-z]|[^\x00-\x7F])(?:(?:[-a-z0-9]|[^\x00-\x7F])*` + word + `)?`
		octet = `(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])`
		char  = `(?:[-a-z0-9\x{400}-\x{4FF}._~!$&'()*+,;=:|@]|%[0-9a-f]{2})`
		user  = `(?:[-a-z0-9\x{400}-\x{4FF}._~!$&'()*+,;=:]|%[0-9a-f]{2})*@`
		host  = `(?:` + octet + `(?:\.` + octet + `){3}|\[[a-f0-9:.]+\]|(?:` + sub + `\.)*` + label + `\.(` + tld + `))`
	)
	m := regexp.MustCompile(`(?i)^(https?://)?(?:` + user + `)?` + host + `(?::[0-9]{1,5})?` +
		`(?:/` + char + `*)*(?:\?(?:` + char + `|[/?])*)?(?:#(?:` + char + `|[/?])*)?$`).FindStringSubmatch(s)
	if m == nil || needScheme && m[1] == "" {
		return false
	}
	return strings.Trim(m[2], "0123456789") != "" || m[2] == ""
}

func TestConformanceExtractURLs(t *testing.T) {
	type plainCase struct {
		Description string
		Text        string
		Expected    []string
	}
	type indexCase struct {
		Description string
		Text        string
		Expected    []struct {
			URL     string
			Indices [2]int // in code points
		}
	}
	var data struct {
		Tests struct {
			URLs       []plainCase
			TCo        []plainCase `yaml:"tco_urls_with_params"`
			Indices    []indexCase `yaml:"urls_with_indices"`
			Directions []indexCase `yaml:"urls_with_directional_markers"`
		}
	}
	mustLoad(t, "extract.yml", &data)
	if len(data.Tests.URLs) < 80 || len(data.Tests.TCo) == 0 || len(data.Tests.Indices) == 0 || len(data.Tests.Directions) == 0 {
		t.Fatal("sections are missing")
	}
	for _, c := range append(data.Tests.URLs, data.Tests.TCo...) {
		got := []string{}
		runes := []rune(c.Text)
		for _, u := range urls(runes) {
			got = append(got, string(runes[u.start:u.end]))
		}
		if d := cmp.Diff(c.Expected, got); d != "" {
			t.Errorf("%s: %.200q (-want +got)\n%s", c.Description, c.Text, d)
		}
	}
	for _, c := range append(data.Tests.Indices, data.Tests.Directions...) {
		var want []span
		for _, e := range c.Expected {
			want = append(want, span{e.Indices[0], e.Indices[1]})
		}
		if got := urls([]rune(c.Text)); !slices.Equal(want, got) {
			t.Errorf("%s: %q: %v, want %v", c.Description, c.Text, got, want)
		}
	}
}

func TestTopLevelDomains(t *testing.T) {
	var want map[string][]string
	mustLoad(t, "tld_lib.yml", &want)
	all := append(want["generic"], want["country"]...)
	for _, tld := range all {
		if got := urls([]rune("https://example." + tld + "/x")); len(got) != 1 {
			t.Errorf("%s: %d links, want one", tld, len(got))
		}
		if n := utf8.RuneCountInString(tld); n > longestTLD {
			t.Errorf("%s has %d runes, more than longestTLD", tld, n)
		}
	}
	if len(tlds()) != len(all) {
		t.Errorf("%d top-level domains are known, want %d", len(tlds()), len(all))
	}
}

func TestWeight(t *testing.T) {
	for text, want := range map[string]int{
		"":                     0,
		"INC-12/3 · 12:18 UTC": 20,
		"— ‘’ “”":              7,
		"…":                    2,
		"€ • →":                8,
		"登录":                   4,
		"e\u0301":              1,
		"❤\uFE0F":              2,
		"👍🏽":                   2,
		"🇸🇬🇸🇬":                 4,
		"🇦🇧":                   4,
		"🏴\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F": 2,
		"🏳\uFE0F\u200D🌈":         2,
		"👩\u200D🚒":               2,
		"👨\u200D👩\u200D👧\u200D👦": 2,
		"👩\u200D👨\u200D👧":        5, // the man comes first, so she stands alone
		"1\uFE0F\u20E3":          2,
		"12":                     2,
		"©":                      1,
		"©\uFE0F":                2,
		"status.example.com":     23,
		"https://status.example.com/incidents/INC-12?x": 23,
		"status.example.invalid":                        22,
		"ana@example.com":                               15,
		"v1.2.3":                                        6,
		"\xff":                                          2,
	} {
		if got := Weight(text); got != want {
			t.Errorf("Weight(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for text, want := range map[string]string{
		"all clear":                    "",
		strings.Repeat("x", 280):       "",
		strings.Repeat("界", 140):       "",
		strings.Repeat("界", 140) + "x": "the text counts 281 of at most 280 characters",
		" \n\t":                        "the text is empty",
		"a\uFEFFb":                     "the text contains U+FEFF, which X refuses",
	} {
		got := ""
		if err := Check(text); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("Check(%q): %q, want %q", text, got, want)
		}
	}
}
