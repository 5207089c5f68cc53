package sim

import "strings"

// showWeChat is what WeCom's clients show of a robot's markdown: headings,
// bold, quotes, inline code, links and <font> lose their marks. A link shows
// its text.
func showWeChat(markdown string) string {
	lines := strings.Split(markdown, "\n")
	for i, line := range lines {
		line = strings.TrimPrefix(line, "> ")
		if head := strings.TrimLeft(line, "#"); head != line && strings.HasPrefix(head, " ") && len(line)-len(head) <= 6 {
			line = head[1:]
		}
		lines[i] = showWeChatLine(line)
	}
	return strings.Join(lines, "\n")
}

func showWeChatLine(s string) string {
	var b strings.Builder
	for s != "" {
		inner, rest, ok := wechatSpan(s)
		if !ok {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		b.WriteString(inner)
		s = rest
	}
	return b.String()
}

// wechatSpan reads one marked span at the beginning of s and returns what is
// shown of it and what follows.
func wechatSpan(s string) (shown, rest string, ok bool) {
	switch {
	case strings.HasPrefix(s, "**"):
		if inner, rest, ok := strings.Cut(s[2:], "**"); ok && inner != "" {
			return showWeChatLine(inner), rest, true
		}
	case s[0] == '`':
		if inner, rest, ok := strings.Cut(s[1:], "`"); ok && inner != "" {
			return inner, rest, true
		}
	case s[0] == '[':
		text, after, ok := strings.Cut(s[1:], "](")
		if _, rest, closed := strings.Cut(after, ")"); ok && closed {
			return showWeChatLine(text), rest, true
		}
	case strings.HasPrefix(s, "<font "):
		_, after, opened := strings.Cut(s, ">")
		if inner, rest, ok := strings.Cut(after, "</font>"); opened && ok {
			return showWeChatLine(inner), rest, true
		}
	}
	return "", "", false
}
