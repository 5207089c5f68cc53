package twitter

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// MaxWeight is the longest text of a post, in [Weight].
const MaxWeight = 280

// Weight is the length of a text as X counts it, exactly as the reference
// implementation does (github.com/twitter/twitter-text 3.1.0, configuration
// v3): in Unicode's composed form (NFC), 23 for a link, 2 for an emoji
// however many characters make it, 1 for a character of most scripts that
// have letters, 2 for any other.
//
// The reference knows the emoji of 2018. It counts the parts of a newer
// sequence one by one, and so does Weight: at worst a text seems too long.
// The only known differences are bare domains glued to characters beyond the
// basic plane, which the reference cuts in two (UTF-16).
func Weight(text string) int {
	return current.weight([]rune(norm.NFC.String(text)))
}

// Check says why X would not take the text for a post, or returns nil.
func Check(text string) error {
	return current.check(text)
}

// rules are a configuration of the counter.
type rules struct {
	max   int  // weight of the longest text
	link  int  // weight of a link
	light int  // weight of a character in the favoured ranges
	heavy int  // weight of any other character, and of an emoji
	emoji bool // an emoji sequence is one
}

// current is what X applies today (config/v3.json of twitter-text).
var current = rules{max: MaxWeight, link: 23, light: 1, heavy: 2, emoji: true}

func (c rules) check(text string) error {
	runes := []rune(norm.NFC.String(text))
	if strings.TrimSpace(text) == "" {
		return errors.New("the text is empty")
	}
	for _, r := range runes {
		if isInvalid(r) {
			return fmt.Errorf("the text contains U+%04X, which X refuses", r)
		}
	}
	if w := c.weight(runes); w > c.max {
		return fmt.Errorf("the text counts %d of at most %d characters", w, c.max)
	}
	return nil
}

func (c rules) weight(runes []rune) int {
	sum := 0
	for _, w := range c.pieces(runes) {
		sum += w
	}
	return sum
}

// pieces yields the text in order as what is counted together: the number of
// runes in each piece and its weight.
func (c rules) pieces(runes []rune) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		links := urls(runes)
		for i := 0; i < len(runes); {
			for len(links) > 0 && links[0].start < i {
				links = links[1:]
			}
			n, w := 1, c.heavy
			switch {
			case len(links) > 0 && links[0].start == i:
				n, w = links[0].end-i, c.link
			case c.emoji && emojiSequence(runes[i:]) > 0:
				n = emojiSequence(runes[i:])
			case isLight(runes[i]):
				w = c.light
			}
			if !yield(n, w) {
				return
			}
			i += n
		}
	}
}

// isLight reports the ranges that count 1: up to Georgian, and the common
// punctuation, spaces and joiners.
func isLight(r rune) bool {
	return r <= 0x10FF || 0x2000 <= r && r <= 0x200D || 0x2010 <= r && r <= 0x201F || 0x2032 <= r && r <= 0x2037
}

// isInvalid reports the characters that make a text invalid.
func isInvalid(r rune) bool { return r == 0xFFFE || r == 0xFEFF || r == 0xFFFF }
