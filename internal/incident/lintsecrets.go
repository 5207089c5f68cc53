package incident

import (
	"regexp"
	"strings"
)

// A secretForm is the shape of a token or key that its issuer has given it so
// that it can be recognised.
type secretForm struct {
	name string
	form *regexp.Regexp
}

// pemForm is how private keys of most kinds begin.
var pemForm = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----`)

// shortestSecret is the length of the shortest of the other forms.
const shortestSecret = 15

var secretForms = []secretForm{
	{"a private key", regexp.MustCompile(`AGE-SECRET-KEY-1[0-9A-Z]{40,}`)},
	{"a Telegram bot's token", regexp.MustCompile(`\b[0-9]{8,10}:[A-Za-z0-9_-]{35}(?:[^A-Za-z0-9_-]|$)`)},
	{"a Discord bot's token", regexp.MustCompile(`\b[A-Za-z0-9_-]{23,28}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}`)},
	{"a Discord webhook", regexp.MustCompile(`\bdiscord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/[0-9]+/[A-Za-z0-9_-]{40,}`)},
	{"a WeCom robot's key", regexp.MustCompile(`\bwebhook/send\?key=[0-9a-fA-F-]{36}`)},
	{"a GitHub token", regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60})`)},
	{"a GitLab token", regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{20}`)},
	{"an AWS access key", regexp.MustCompile(`\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b`)},
	{"a Slack token", regexp.MustCompile(`\b(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}`)},
	{"a Slack webhook", regexp.MustCompile(`\bhooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/]{20,}`)},
	{"a Google API key", regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{35}`)},
	{"a Stripe key", regexp.MustCompile(`\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}`)},
	{"a JSON web token", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`)},
}

// secrets refuses tokens and private keys of known shapes. What it says goes
// into the audit, so it shows no more than their beginnings.
func (l *linter) secrets(s string) {
	for _, found := range pemForm.FindAllString(s, -1) {
		l.secret("a private key", found)
	}
	for word := range strings.FieldsSeq(s) {
		if len(word) < shortestSecret {
			continue
		}
		for _, f := range secretForms {
			for _, found := range f.form.FindAllString(word, -1) {
				l.secret(f.name, found)
			}
		}
	}
}

func (l *linter) secret(name, found string) {
	l.refuse("holds %s (%s): take it out, and replace the secret if anybody may have seen it", name, hinted(found))
}
