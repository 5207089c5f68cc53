package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// cleanRune is what Telegram makes of a character of an input text, and
// whether it is kept (clean_input_string in tdlib/td, MessageEntity.cpp):
// control characters become spaces; carriage returns, the directional
// embeddings U+2028 to U+202E and three combining marks vanish.
func cleanRune(r rune) (rune, bool) {
	switch {
	case r == '\n':
		return r, true
	case r == '\r', 0x2028 <= r && r <= 0x202e, r == 0x0333, r == 0x033f, r == 0x030a:
		return 0, false
	case r < ' ':
		return ' ', true
	}
	return r, true
}

// cleanText is a text without entities as Telegram keeps it.
func cleanText(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r, keep := cleanRune(r); keep {
			return r
		}
		return -1
	}, s))
}

// fixText is a text with entities as Telegram keeps it: cleaned, without space
// around it, the entities moved along, and those that cover nothing dropped.
func fixText(text string, entities []tgEntity) (string, []tgEntity, error) {
	if err := checkEntities(text, entities); err != nil {
		return "", nil, err
	}
	clean := make([]rune, 0, len(text))
	where := make([]int, 0, len(text)+1) // UTF-16 offset in text → in clean
	length := 0
	for _, r := range text {
		for range utf16.RuneLen(r) {
			where = append(where, length)
		}
		if r, keep := cleanRune(r); keep {
			clean = append(clean, r)
			length += utf16.RuneLen(r)
		}
	}
	where = append(where, length)

	fixed := strings.TrimLeftFunc(string(clean), unicode.IsSpace)
	lead := length - unitsUTF16(fixed)
	fixed = strings.TrimRightFunc(fixed, unicode.IsSpace)
	end := unitsUTF16(fixed)
	var kept []tgEntity
	for _, e := range entities {
		from := min(max(where[e.Offset]-lead, 0), end)
		to := min(max(where[e.Offset+e.Length]-lead, 0), end)
		if strings.TrimSpace(cutUTF16(fixed, from, to-from)) != "" {
			e.Offset, e.Length = from, to-from
			kept = append(kept, e)
		}
	}
	sortEntities(kept)
	return fixed, kept, nil
}

func sortEntities(entities []tgEntity) {
	slices.SortStableFunc(entities, func(a, b tgEntity) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(b.Length, a.Length))
	})
}

// checkEntities refuses entities that are out of the text or split a
// character that is two UTF-16 code units.
func checkEntities(text string, entities []tgEntity) error {
	split := map[int]int{} // offset in the middle of a character → byte after it
	length := 0
	for i, r := range text {
		if utf16.RuneLen(r) == 2 {
			split[length+1] = i + utf8.RuneLen(r)
		}
		length += utf16.RuneLen(r)
	}
	for _, e := range entities {
		from, to := e.Offset, e.Offset+e.Length
		switch {
		case from < 0 || from > 1<<20:
			return tgBad("receive an entity with incorrect offset %d", from)
		case e.Length < 0 || e.Length > 1<<20:
			return tgBad("receive an entity with incorrect length %d", e.Length)
		case e.Length > 0 && from > length:
			return tgBad("entity begins after the end of the text at UTF-16 offset %d", from)
		case to > length:
			return tgBad("entity beginning at UTF-16 offset %d ends after the end of the text at UTF-16 offset %d", from, to)
		case split[from] != 0:
			return tgBad("entity begins in a middle of a UTF-16 symbol at byte offset %d", split[from])
		case split[to] != 0:
			return tgBad("entity beginning at UTF-16 offset %d ends in a middle of a UTF-16 symbol at byte offset %d", from, split[to])
		}
	}
	return nil
}

// checkTypes refuses explicit entities of a type that the Bot API does not know.
func checkTypes(entities []tgEntity) error {
	for _, e := range entities {
		switch e.Type {
		case "mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number",
			"bold", "italic", "underline", "strikethrough", "spoiler", "blockquote",
			"expandable_blockquote", "code", "pre", "text_mention", "custom_emoji":
		case "text_link":
			if e.URL == "" {
				return tgBad(`can't parse MessageEntity: Can't find field "url"`)
			}
		default:
			return tgBad("can't parse MessageEntity: Unsupported type specified")
		}
	}
	return nil
}

func unitsUTF16(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// cutUTF16 is the part of s at an offset and of a length in UTF-16 code units.
func cutUTF16(s string, offset, length int) string {
	from, to, at := len(s), len(s), 0
	for i, r := range s {
		if at >= offset && i < from {
			from = i
		}
		if at >= offset+length {
			to = i
			break
		}
		at += utf16.RuneLen(r)
	}
	return s[min(from, to):to]
}

// findCommands finds the commands in what a person typed, as Telegram does
// (find_bot_commands in tdlib/td, MessageEntity.cpp): a slash that follows no
// word, slash or angle bracket, up to 64 letters of ASCII, digits and
// underscores, perhaps the name of a bot, and no word behind.
func findCommands(text string) []tgEntity {
	var found []tgEntity
	before := ' '
	for i, r := range text {
		if r == '/' && !sticks(before) {
			if n := commandLength(text[i:]); n > 0 {
				found = append(found, tgEntity{Type: "bot_command", Offset: unitsUTF16(text[:i]), Length: n})
			}
		}
		before = r
	}
	return found
}

// sticks reports whether a character next to a command makes it none.
func sticks(r rune) bool {
	return strings.ContainsRune("/<>_", r) || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// commandLength returns how many bytes of s, which begins with a slash, are a
// command; 0 for none.
func commandLength(s string) int {
	n := 1 + asciiWord(s[1:])
	if n < 2 || n > 65 {
		return 0
	}
	if n < len(s) && s[n] == '@' {
		name := asciiWord(s[n+1:])
		if name < 3 || name > 32 {
			return 0
		}
		n += 1 + name
	}
	if next, _ := utf8.DecodeRuneInString(s[n:]); n < len(s) && sticks(next) {
		return 0
	}
	return n
}

func asciiWord(s string) int {
	i := strings.IndexFunc(s, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if i < 0 {
		return len(s)
	}
	return i
}

// text is the text of a call with its entities, from parse_mode or explicit.
func (c *tgCall) text() (string, []tgEntity, error) {
	text := c.p["text"]
	if text == "" {
		return "", nil, tgBad("message text is empty")
	}
	entities, err := c.entities(&text)
	if err != nil {
		return "", nil, err
	}
	text, entities, err = fixText(text, entities)
	switch {
	case err != nil:
		return "", nil, err
	case text == "":
		return "", nil, tgBad("text must be non-empty")
	case utf8.RuneCountInString(text) > tgMaxText:
		return "", nil, tgBad("message is too long")
	}
	return text, entities, nil
}

func (c *tgCall) entities(text *string) (entities []tgEntity, err error) {
	switch mode := strings.ToLower(c.p["parse_mode"]); mode {
	case "", "none":
		if err := c.p.object("entities", "entities", &entities); err != nil {
			return nil, err
		}
		return entities, checkTypes(entities)
	case "html":
		*text, entities, err = parseHTML(*text)
		if err != nil {
			return nil, tgBad("can't parse entities: %s", err)
		}
		return entities, nil
	case "markdown", "markdownv2":
		return nil, tgBad("can't parse entities: the simulator reads HTML and entities, not %s", c.p["parse_mode"])
	}
	return nil, tgBad("unsupported parse_mode")
}

func errorAt(offset int, format string, args ...any) error {
	return fmt.Errorf(format+" at byte offset %d", append(args, offset)...)
}
