package templates

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cuts are the places where a text may end, as offsets in bytes, ascending.
type cuts struct {
	words    []int // after a word, or a character of a script without spaces
	clusters []int // after a user-perceived character, but not within a link
}

// findCuts returns the places where s may end, its own end included.
func findCuts(s string) cuts {
	c := cuts{clusters: make([]int, 0, len(s)/2)}
	token := 0 // where the run of characters without a space began
	mark := 0  // how many clusters there were then
	after, _ := utf8.DecodeRuneInString(s)
	for end := 0; end < len(s); {
		end += clusterEnd(s[end:])
		before := after // the first character of the cluster
		after, _ = utf8.DecodeRuneInString(s[end:])
		if unicode.IsSpace(before) {
			token, mark = end, len(c.clusters)
			continue
		}
		c.clusters = append(c.clusters, end)
		atEnd := end == len(s) || unicode.IsSpace(after)
		if atEnd || breaksWithoutSpace(before, after) {
			c.words = append(c.words, end)
		}
		if atEnd && strings.Contains(s[token:end], "://") {
			c.clusters = append(c.clusters[:mark], end)
		}
	}
	return c
}

// breaksWithoutSpace reports whether a text may end between two characters
// because one of them belongs to a script that is written without spaces.
func breaksWithoutSpace(before, after rune) bool {
	return (ideographic(before) || ideographic(after)) && !closes(after) && !opens(before)
}

// closes reports whether r is punctuation that may not begin a line.
func closes(r rune) bool {
	switch r {
	case '、', '。', '，', '．', '：', '；', '？', '！', '）', '〕', '】', '」', '』', '》', '〉', '—', '～',
		'…', '·', '”', '’', ',', '.', ':', ';', '?', '!', ')', ']', '}', '%', '％':
		return true
	}
	return false
}

// opens reports whether r is punctuation that may not end a line.
func opens(r rune) bool {
	switch r {
	case '（', '〔', '【', '「', '『', '《', '〈', '“', '‘', '(', '[', '{', '<':
		return true
	}
	return false
}

// headOf returns a beginning of s that is certain not to fit, of at most about
// twice the bytes that do, or s itself. It spares a look at the rest.
func headOf(s string, sp Space) string {
	for n := max(sp.Max, 16); n < len(s); n *= 2 {
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n++
		}
		if sp.Measure(s[:n]) > sp.Max {
			return s[:n]
		}
	}
	return s
}

// ideographic reports whether r is of the Chinese and Japanese blocks,
// punctuation and full-width forms included.
func ideographic(r rune) bool {
	return 0x2E80 <= r && r <= 0x9FFF || 0xF900 <= r && r <= 0xFAFF ||
		0xFF00 <= r && r <= 0xFFEF || 0x20000 <= r && r <= 0x3FFFF
}

// cutAt returns s up to end with an ellipsis, or s itself where that is all.
func cutAt(s string, end int) string {
	if end >= len(s) {
		return s
	}
	s = strings.TrimRightFunc(s[:end], func(r rune) bool {
		return unicode.IsSpace(r) || opens(r) || strings.ContainsRune("，、；：,;:", r)
	})
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "?") {
		s += " "
	}
	return s + "…"
}

// clip cuts s on a word after at most n user-perceived characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	c := findCuts(s)
	if len(c.clusters) <= n {
		return s
	}
	limit := c.clusters[n-1]
	if i := sort.SearchInts(c.words, limit+1); i > 0 && c.words[i-1] >= limit/2 {
		return cutAt(s, c.words[i-1])
	}
	return cutAt(s, limit)
}

// longest returns the last of the places at which the text still fits, or -1.
// It probes from the front in growing steps and then halves, so that no text
// of more than about twice the result is measured and the probes are at most
// twice the logarithm of the number of places.
func longest(places []int, fits func(end int) bool) int {
	good, bad := -1, len(places)
	for step := 1; good+step < bad; step *= 2 {
		if !fits(places[good+step]) {
			bad = good + step
			break
		}
		good += step
	}
	for bad-good > 1 {
		middle := good + (bad-good)/2
		if fits(places[middle]) {
			good = middle
		} else {
			bad = middle
		}
	}
	if good < 0 {
		return -1
	}
	return places[good]
}
