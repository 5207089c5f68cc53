package sim

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// json is the post as version 2 shows it, with the wanted fields.
func (p *xPost) json(x *X, fields []string) map[string]any {
	v := map[string]any{"id": p.id, "text": p.shown(), "edit_history_tweet_ids": []string{p.id}}
	for _, f := range fields {
		switch f {
		case "author_id":
			v[f] = p.author.id
		case "created_at":
			v[f] = p.at.UTC().Format("2006-01-02T15:04:05.000Z")
		case "conversation_id":
			v[f] = p.root
		case "reply_settings":
			v[f] = "everyone"
			if p.who != "" {
				v[f] = p.who
			}
		case "referenced_tweets":
			if p.replyTo != "" {
				v[f] = []any{map[string]string{"type": "replied_to", "id": p.replyTo}}
			}
		case "in_reply_to_user_id":
			if parent := x.byID[p.replyTo]; parent != nil {
				v[f] = parent.author.id
			}
		case "entities":
			if len(p.links) > 0 {
				v[f] = map[string]any{"urls": p.links}
			}
		}
	}
	return v
}

// An xLink is a link as X shows it: shortened. Start and End count characters
// of the shown text before it is HTML-escaped.
type xLink struct {
	Start    int    `json:"start"`
	End      int    `json:"end"`
	URL      string `json:"url"`
	Expanded string `json:"expanded_url"`
	Display  string `json:"display_url"`
	from, to int    // bytes of the text as it was sent
}

func xLinks(text, id string) []xLink {
	var links []xLink
	shown, at := 0, 0
	for i, span := range findLinks(text) {
		l := xLink{URL: shortLink(id, i), Expanded: text[span.from:span.to], from: span.from, to: span.to}
		l.Display = strings.TrimPrefix(strings.TrimPrefix(l.Expanded, "https://"), "http://")
		if l.Display == l.Expanded {
			l.Expanded = "http://" + l.Expanded
		}
		l.Start = shown + utf8.RuneCountInString(text[at:span.from])
		l.End = l.Start + len(l.URL)
		shown, at = l.End, span.to
		links = append(links, l)
	}
	return links
}

// shortLink is the address that stands for the i-th link of a post.
func shortLink(id string, i int) string {
	n, _ := strconv.ParseUint(id, 10, 64)
	code := fmt.Sprintf("%010s", strconv.FormatUint(n+uint64(i)<<42, 36))
	return "https://t.co/" + code[len(code)-10:]
}

// shown is the text as the API repeats it: links shortened, and &, < and >
// escaped as in HTML.
func (p *xPost) shown() string {
	var b strings.Builder
	at := 0
	for _, l := range p.links {
		b.WriteString(p.text[at:l.from] + l.URL)
		at = l.to
	}
	b.WriteString(p.text[at:])
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(b.String())
}
