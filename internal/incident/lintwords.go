package incident

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

var (
	placeholderForms = []*regexp.Regexp{
		regexp.MustCompile(`\{\{[^{}\n]*(?:\}\})?`),
		regexp.MustCompile(`\$\{[A-Za-z_][^{}\n]*\}`),
		regexp.MustCompile(`<no value>`), // of a Go template
		regexp.MustCompile(`<[A-Z][A-Z0-9 _-]+>`),
		regexp.MustCompile(`(?i)[\[<](?:insert|enter|fill in|your|placeholder)\b[^\[\]<>\n]*[\]>]`),
		regexp.MustCompile(`[\[［【<《（(](?:请|請)?(?:待?填写|待?填寫|插入)[^\]］】>》）)\n]{0,40}[\]］】>》）)]`),
		regexp.MustCompile(`\b(?:TODO|TBD|FIXME|XXX+|XX:XX)\b`),
		regexp.MustCompile(`(?i)\blorem ipsum\b`),
	}
	languageForm = regexp.MustCompile(`^(` + space + `*[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*` + space + `*[:：])` + space + `*[^\s\p{Z}]`)
	nextForm     = regexp.MustCompile(`(?i)\bnext\s`)
	capitalsForm = regexp.MustCompile(`\[[A-Z][A-Z0-9 _/-]+\]`)
	labelForm    = regexp.MustCompile(`^\[(?:UPDATED?|RESOLVED|INVESTIGATING|IDENTIFIED|MONITORING|SCHEDULED|COMPLETED|VERIFYING|IN PROGRESS|CLOSED|INCIDENT|MAINTENANCE|NOTICE|DRILL|TEST|EDIT(?:ED)?|UTC)\b[ 0-9/]*\]$`)
)

// placeholders refuses what was to be filled in and was not. Capitals in
// brackets are one, unless they are a label ("[RESOLVED]") or a link's text.
func (l *linter) placeholders(s string) {
	for _, form := range placeholderForms {
		for _, found := range form.FindAllString(s, -1) {
			l.unfilled(found)
		}
	}
	for _, m := range capitalsForm.FindAllStringIndex(s, -1) {
		found := s[m[0]:m[1]]
		if !labelForm.MatchString(found) && !strings.HasPrefix(s[m[1]:], "(") {
			l.unfilled(found)
		}
	}
}

func (l *linter) unfilled(found string) {
	l.refuse("has %s, which looks like a placeholder: fill it in or leave it out", quoted(found))
}

// causeWords name a cause.
func causeWords() []string {
	return []string{"because", "due to", "caused by", "owing to", "as a result of", "the root cause", "由于", "由於", "因为", "因為", "原因是", "起因"}
}

// delicateWords are heard as more than they say, whoever says them.
func delicateWords() []string {
	return []string{
		"funds", "hack", "hacks", "hacked", "hacker", "hackers", "hacking", "compensate", "compensates", "compensated", "compensating",
		"compensation", "资金", "資金", "黑客", "駭客", "赔偿", "賠償", "补偿", "補償",
	}
}

// promised warns of a promise that is only words, for it shares its line with
// others.
func (l *linter) promised(s string) {
	for line := range strings.SplitSeq(s, "\n") {
		all := nextForm.FindAllStringIndex(line, -1)
		if len(all) == 0 {
			continue
		}
		last := line[all[len(all)-1][0]:]
		if _, ok, _ := promise(last); ok && last != line {
			l.warn("says %s, which promises nothing: put it on a line of its own", quoted(last))
		}
	}
}

// begins warns of a language that was to begin here, and does not, for it shares
// its line with its words.
func (l *linter) begins(s string) {
	for line := range strings.SplitSeq(s, "\n") {
		m := languageForm.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if _, begins, _ := language(m[1], l.Languages); begins {
			l.warn("has %s with words behind it, which begins no text of that language: put it on a line of its own", quoted(strings.TrimSpace(m[1])))
		}
	}
}

// delicate warns of words that the author may be held to.
func (l *linter) delicate(s string) {
	s = strings.ToLower(s)
	if l.Status == Investigating {
		for _, word := range causeWords() {
			if says(s, word) {
				l.warn("says %s while the cause is still investigated: name a cause once it is identified", quoted(word))
			}
		}
	}
	for _, word := range delicateWords() {
		if says(s, word) {
			l.warn("says %s, which will be quoted: make sure that every word of it will stand", quoted(word))
		}
	}
}

// says reports whether a text has the word, not only as a part of another.
func says(s, word string) bool {
	for i := strings.Index(s, word); i >= 0; {
		end := i + len(word)
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		after, _ := utf8.DecodeRuneInString(s[end:])
		if !latin(rune(word[0])) || !latin(before) && !latin(after) {
			return true
		}
		next := strings.Index(s[end:], word)
		if next < 0 {
			return false
		}
		i = end + next
	}
	return false
}

// Parts of a time of day.
const (
	clockPart = `(?:[01]?[0-9]|2[0-3])[:：][0-5][0-9](?:[:：][0-5][0-9])?(?:\s?[ap]\.?m\b\.?)?|(?:0?[1-9]|1[0-2])\s?[ap]m`
	zonePart  = `[\s.(（]*(?:Z\b|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}|[A-Z]{1,4}T\b|MSK\b|[A-Z][a-z]+/[A-Z][A-Za-z_]+|[A-Z][a-z]+(?: [A-Z][a-z]+)? time|(?:local|universal) time)`
)

var (
	clockForm = regexp.MustCompile(`(?i:\b(?:` + clockPart + `))\b`)
	zoneForm  = regexp.MustCompile(`^` + zonePart)
	rangeForm = regexp.MustCompile(`^\s*(?:-|–|—|~|～|/|,|and|or|to|until|至|到|和)\s*$`) // between two times of one zone
	zoneAhead = regexp.MustCompile(`(?:时间|時間|UTC|GMT)[\s:：]*(?:[0-9年月日/.-]+\s*)?(?:上午|下午|凌晨|早上|中午|晚上|晚间)?\s*$`)
	allTimes  = regexp.MustCompile(`(?i:\btimes?\s+(?:are\s+|is\s+)?(?:all\s+)?(?:given\s+|shown\s+)?in\s+)(?:UTC|GMT|[A-Z]{1,4}T)\b`)
)

// times warns of a time of day that half of the readers will misread.
func (l *linter) times(s string) {
	if allTimes.MatchString(s) {
		return
	}
	all := clockForm.FindAllStringIndex(s, -1)
	zoned := false // the time after this one has a zone
	for k, a := range slices.Backward(all) {
		from, to := a[0], a[1]
		if strings.HasSuffix(s[:from], "+") {
			continue // itself the end of a zone: 14:00+08:00
		}
		ranges := k+1 < len(all) && rangeForm.MatchString(s[to:all[k+1][0]])
		opens := k > 0 && rangeForm.MatchString(s[all[k-1][1]:from]) && zoneAhead.MatchString(s[:all[k-1][0]])
		zoned = zoneForm.MatchString(s[to:]) || ranges && zoned || opens || zoneAhead.MatchString(s[:from])
		if !zoned {
			l.warn("gives the time %s without a zone: write it like 14:00 UTC", quoted(s[from:to]))
		}
	}
}
