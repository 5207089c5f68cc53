package sim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParseHTML(t *testing.T) {
	e := func(kind string, offset, length int) tgEntity {
		return tgEntity{Type: kind, Offset: offset, Length: length}
	}
	link := func(url string, offset, length int) tgEntity {
		return tgEntity{Type: "text_link", Offset: offset, Length: length, URL: url}
	}
	for _, test := range []struct {
		in, out  string
		entities []tgEntity
	}{
		{"a &lt;b&gt; &amp;&quot; &#x4e2d;&#65; &nbsp; &", `a <b> &" 中A &nbsp; &`, nil},
		{"😀<b>x</b>", "😀x", []tgEntity{e("bold", 2, 1)}},
		{"<B>a<i>b</i></B>", "ab", []tgEntity{e("bold", 0, 2), e("italic", 1, 1)}},
		{`<a href="https://example.com/?a=1&amp;b=2">x</a>`, "x", []tgEntity{link("https://example.com/?a=1&b=2", 0, 1)}},
		{`<a href='javascript:x'>x</a> <a>example.com</a>`, "x example.com", []tgEntity{link("http://example.com/", 2, 11)}},
		{`<pre><code class="language-go">f()</code></pre>`, "f()", []tgEntity{{Type: "pre", Length: 3, Language: "go"}}},
		{"<blockquote expandable>q</blockquote><span class=tg-spoiler>s</span>", "qs", []tgEntity{e("expandable_blockquote", 0, 1), e("spoiler", 1, 1)}},
		{"<u></u>", "", nil},
	} {
		out, entities, err := parseHTML(test.in)
		if err != nil || out != test.out || cmp.Diff(test.entities, entities) != "" {
			t.Errorf("%q: %q, %v, %v", test.in, out, entities, err)
		}
	}
}

func TestParseHTMLErrors(t *testing.T) {
	for in, want := range map[string]string{
		"x<p>y</p>":          `Unsupported start tag "p" at byte offset 1`,
		"1 < 2":              `Unsupported start tag "" at byte offset 2`,
		"<b":                 "Unclosed start tag at byte offset 0",
		`<a href="x`:         "Unclosed start tag at byte offset 0",
		"<b>x":               `Can't find end tag corresponding to start tag "b"`,
		"x</b>":              "Unexpected end tag at byte offset 1",
		"<b>x</i>":           `Unmatched end tag at byte offset 4, expected "</b>", found "</i>"`,
		"<b>x</b x":          "Unclosed end tag at byte offset 4",
		"<span>x</span>":     `Tag "span" must have class "tg-spoiler" at byte offset 0`,
		"<b =x>y</b>":        `Empty attribute name in the tag "b" at byte offset 0`,
		"<a href=>x</a><i>y": `Can't find end tag corresponding to start tag "i"`,
	} {
		if _, _, err := parseHTML(in); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

func TestFixText(t *testing.T) {
	bold := func(offset, length int) []tgEntity {
		return []tgEntity{{Type: "bold", Offset: offset, Length: length}}
	}
	for _, test := range []struct {
		in       string
		entities []tgEntity
		out      string
		want     []tgEntity
	}{
		{" \n a\tb\r\n ", nil, "a b", nil},
		{"a\u202eb\u2066c", nil, "ab\u2066c", nil},
		{"  😀 x  ", bold(2, 6), "😀 x", bold(0, 4)},
		{"a   ", bold(1, 3), "a", nil},
		{"\u202ex", bold(0, 2), "x", bold(0, 1)},
	} {
		out, got, err := fixText(test.in, test.entities)
		if err != nil || out != test.out || cmp.Diff(test.want, got) != "" {
			t.Errorf("%q: %q, %v, %v", test.in, out, got, err)
		}
	}
}

// The words are those of tdlib/td's own tests of fix_formatted_text.
func TestEntityErrors(t *testing.T) {
	for _, test := range []struct {
		offset, length int
		want           string
	}{
		{1, 1, "entity begins in a middle of a UTF-16 symbol at byte offset 4"},
		{0, 1, "entity beginning at UTF-16 offset 0 ends in a middle of a UTF-16 symbol at byte offset 4"},
		{3, 6, "entity beginning at UTF-16 offset 3 ends after the end of the text at UTF-16 offset 9"},
		{9, 1, "entity begins after the end of the text at UTF-16 offset 9"},
		{-1, 1, "receive an entity with incorrect offset -1"},
		{0, -1, "receive an entity with incorrect length -1"},
	} {
		_, _, err := fixText("👉 caba", []tgEntity{{Type: "bold", Offset: test.offset, Length: test.length}})
		if err == nil || err.Error() != "Bad Request: "+test.want {
			t.Errorf("%d+%d: %v, want %s", test.offset, test.length, err, test.want)
		}
	}
}

func TestTelegramEntities(t *testing.T) {
	x := newTgTest(t)
	m := x.must("sendMessage", fields{"chat_id": x.channel, "text": "😀 bold", "entities": []fields{{"type": "bold", "offset": 3, "length": 4}}})
	if diff := cmp.Diff([]tgEntity{{Type: "bold", Offset: 3, Length: 4}}, m.Entities); diff != "" {
		t.Errorf("entities (-want +got):\n%s", diff)
	}
	for _, e := range []fields{{"type": "blink", "offset": 0, "length": 1}, {"type": "text_link", "offset": 0, "length": 1}} {
		if a := x.call("sendMessage", fields{"chat_id": x.channel, "text": "x", "entities": []fields{e}}); a.Code != 400 {
			t.Errorf("%v was accepted", e)
		}
	}
}

func TestFindCommands(t *testing.T) {
	for text, want := range map[string]string{
		"/ack login":           "/ack",
		"/update，公告":           "/update",
		"/update公告":            "",
		"/a/b <code>/c x/d":    "",
		"😀 /a /b@status_bot !": "/a /b@status_bot",
		"/cmd@x":               "",
		"/":                    "",
		"(/help)":              "/help",
		"/" + long(65) + " /b": "/b",
		"/" + long(64):         "/" + long(64),
	} {
		var got []string
		for _, e := range findCommands(text) {
			got = append(got, cutUTF16(text, e.Offset, e.Length))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

func FuzzParseHTML(f *testing.F) {
	for _, seed := range []string{"<b>😀</b>", `<a href="x.y">&lt;</a>`, "<pre><code class='language-go'>", "</", "<b a= b>&#x;", "&#xfffffff;&"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			t.Skip() // refused before it is parsed
		}
		text, entities, err := parseHTML(s)
		if err != nil {
			return
		}
		if _, _, err := fixText(text, entities); err != nil {
			t.Errorf("%q: the parser's own entities are refused: %v", s, err)
		}
	})
}

func FuzzFixText(f *testing.F) {
	f.Add(" 😀\u202e x ", 1, 4)
	f.Add("a", 0, 1)
	f.Add("/ack@status_bot", -1, 1<<30)
	f.Fuzz(func(t *testing.T, s string, offset, length int) {
		if !utf8.ValidString(s) {
			t.Skip()
		}
		text, entities, err := fixText(s, []tgEntity{{Type: "bold", Offset: offset, Length: length}})
		if err != nil {
			return
		}
		if again, _, err := fixText(text, entities); err != nil || again != text {
			t.Errorf("%q becomes %q and then %q, %v", s, text, again, err)
		}
		for _, e := range append(entities, findCommands(s)...) {
			if e.Offset < 0 || e.Length <= 0 {
				t.Errorf("%q: entity %+v", s, e)
			}
		}
	})
}

func FuzzTelegramRequest(f *testing.F) {
	f.Add("sendMessage", "application/json", []byte(`{"chat_id":"@a","text":"x","reply_parameters":{"message_id":1}}`))
	f.Add("editMessageText", "application/x-www-form-urlencoded", []byte("chat_id=@a&message_id=1&text=y&parse_mode=HTML"))
	f.Add("setMyCommands", "multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"commands\"\r\n\r\n[]\r\n--b--"))
	f.Add("getUpdates", "application/json", []byte(`{"offset":-9223372036854775808,"limit":-1}`))
	f.Fuzz(func(t *testing.T, method, contentType string, body []byte) {
		if strings.Contains(string(body), "timeout") {
			t.Skip() // would wait
		}
		s := NewTelegram()
		s.AutoCreate = true
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
		r.URL.Path = "/bot1:x/" + method
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if !strings.HasPrefix(w.Body.String(), `{"ok":`) {
			t.Errorf("%s answered %q", method, w.Body)
		}
	})
}
