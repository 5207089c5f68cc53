package people

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/allclear-hq/allclear/internal/incident"
)

// A Finding is what came of comparing a claim with what was published.
type Finding string

// The findings, by the names of the texts that tell of them.
const (
	Ours      Finding = "ours"         // said, word for word
	OurPlace  Finding = "ours-account" // an account or host of ours
	Corrected Finding = "corrected"    // said, and replaced since
	Retracted Finding = "retracted"    // said, and withdrawn since
	Altered   Finding = "altered"      // like something said, but not the same
	Reference Finding = "reference"    // the number of an incident or update, without words
	Foreign   Finding = "foreign"      // neither said nor ours
	Unknown   Finding = "unknown"      // an address of which nothing is known here
	Older     Finding = "older"        // not among what is known here, which is not all that was said
)

// A Verdict answers whether something is ours.
type Verdict struct {
	Finding Finding
	Ref     string // of the update that it is, or resembles
	At      time.Time
	Link    string
	Body    incident.Text // what holds
	Cut     bool          // it is the beginning of what was said, as a message has it that has no room for all
	Part    bool          // it is another part of what was said
	More    bool          // more has been said since
	Led     bool          // altered by a link or button that leads where the words do not say
	Beside  bool          // altered by what comes with the words
}

// How much of a claim is looked at. No message is longer, and none of ours has
// more sentences.
const (
	maxClaim     = 4096 // characters
	maxSentences = 500
	maxGrams     = 500
)

// beyond stands for all sentences of a claim that are not looked at. It has two
// lines, so that none of ours is like it.
const beyond = "\n"

// Verify compares a text (an account, a link, or that of a message) with what was
// published. It is compared with every page to the end, whatever
// comes of it, so that the time tells nothing. It changes nothing and asks
// nobody.
func (b *Book) Verify(claim string) Verdict {
	if runes := []rune(claim); len(runes) > maxClaim {
		claim = string(runes[:maxClaim])
	}
	text := b.compare(claim)
	if text.Finding != Foreign {
		return text
	}
	if ref, n, err := incident.ParseUpdateRef(strings.TrimSpace(claim)); err == nil {
		return b.named(ref, n)
	}
	if host, path, ok := address(claim); ok {
		return b.locate(host, path)
	}
	return text
}

// named says whether there is an incident of that reference, or an update of it
// where n is not 0.
func (b *Book) named(ref incident.Ref, n int) Verdict {
	v := Verdict{Finding: Foreign}
	for _, p := range b.pages {
		if of, update, err := incident.ParseUpdateRef(p.ref); err == nil && of == ref && (n == 0 || n == update) {
			v = Verdict{Finding: Reference, Ref: ref.String(), Link: p.link}
		}
	}
	if v.Finding == Reference && n > 0 {
		v.Ref = fmt.Sprintf("%s/%d", ref, n)
	}
	return v
}

// locate says whose an address is.
func (b *Book) locate(host, path string) Verdict {
	if slices.Contains(b.Hosts, host) {
		return Verdict{Finding: OurPlace, Link: "https://" + host}
	}
	linked := slices.Contains(b.Linked, host)
	host, path = onTelegram(strings.TrimPrefix(host, "www."), path)
	name, _, _ := strings.Cut(path, "/")
	for _, a := range b.Accounts {
		platform, account, _ := strings.Cut(strings.ToLower(a), "/")
		if account == name && (host == "" || host == platform) && !winds(path) {
			return Verdict{Finding: OurPlace, Link: "https://" + a}
		}
	}
	if host == "" && len(b.Vague) > 0 || within(host, b.Vague) || linked {
		return Verdict{Finding: Unknown}
	}
	return Verdict{Finding: Foreign}
}

// within reports whether a host is one of some platforms, or a name below it.
func within(host string, platforms []string) bool {
	return slices.ContainsFunc(platforms, func(p string) bool { return host == p || strings.HasSuffix(host, "."+p) })
}

// compare finds the page that a text is, or resembles, most.
func (b *Book) compare(claim string) Verdict {
	said := sentences(claim)
	if len(said) > maxSentences {
		said = append(said[:maxSentences], beyond)
	}
	var shape []uint64
	for _, s := range said {
		shape = append(shape, grams(s)...)
	}
	shape = shape[:min(len(shape), maxGrams)]
	best := Verdict{Finding: Foreign}
	most := 0
	for _, p := range b.pages { // newest first, and no page is left out
		v, weight := p.compare(said, shape)
		if weight > most {
			best, most = v, weight
		}
	}
	return best
}

// extentWeight puts a page that says all of a text before those that resemble it, and
// one of which a text says more before those of which it says less.
const extentWeight = 1 << 20

// compare says what a text is beside this page, and how much it is like it.
func (p *page) compare(said []string, shape []uint64) (Verdict, int) {
	v := Verdict{Ref: p.ref, At: p.at, Link: p.link, Body: p.body, More: !p.last}
	known, foreign := 0, 0 // characters of ours, sentences that are not
	have := false          // words of the operators
	before := ""
	for _, s := range said {
		switch {
		case p.words[s]:
			have = true
			known += utf8.RuneCountInString(s)
		case p.says(s), slices.Contains(p.title, s):
			known += utf8.RuneCountInString(s)
		case p.begins(s, before):
			have = true
			known += utf8.RuneCountInString(s)
		default:
			foreign++
			s = ""
		}
		before = s
	}
	like := 0
	for _, g := range shape {
		if p.grams[g] {
			like++
		}
	}
	much := disordered
	if have && foreign == 0 {
		much = p.extent(said)
	}
	switch {
	case much > disordered:
		v.Finding, v.Cut, v.Part = p.finding, much == beginning, much == part
		return v, extentWeight*int(much) + known
	case have && (foreign == 0 || known >= minQuote), len(shape) >= minQuote && 2*like >= len(shape):
		v.Finding = Altered
		return v, known + like + 1
	}
	return v, 0
}

// says reports whether a sentence may stand beside the words of the operators:
// that what was said later is in a head line, and that no more was missed than
// there were updates before.
func (p *page) says(s string) bool {
	missed := p.missed[s]
	return p.sentences[s] || p.n <= p.heads[s] || 0 < missed && missed < p.n
}

// minQuote is how many characters of our words make a text resemble one of
// ours: a few are in every sentence.
const minQuote = 16

// gramSize is how many characters make a piece of which likeness is counted.
const gramSize = 5

// grams are the pieces of a sentence, hashed (FNV-1a).
func grams(s string) (out []uint64) {
	runes := []rune(s)
	for i := 0; i+gramSize <= len(runes); i++ {
		h := uint64(14695981039346656037)
		for _, r := range runes[i : i+gramSize] {
			h = (h ^ uint64(r)) * 1099511628211
		}
		out = append(out, h)
	}
	return out
}
