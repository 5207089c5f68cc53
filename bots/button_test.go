package bots_test

import (
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/bots"
)

func TestCheckButtons(t *testing.T) {
	row := func(data ...string) []bots.Button {
		var r []bots.Button
		for _, d := range data {
			r = append(r, bots.Button{Text: "Publish", Data: d})
		}
		return r
	}
	for name, c := range map[string]struct {
		rows [][]bots.Button
		want string
	}{
		"none":          {nil, ""},
		"five by five":  {[][]bots.Button{row("a", "b", "c", "d", "e"), row("f"), row("g"), row("h"), row("i")}, ""},
		"64 bytes":      {[][]bots.Button{row(strings.Repeat("é", 32))}, ""},
		"65 bytes":      {[][]bots.Button{row(strings.Repeat("é", 32) + "x")}, "65 bytes"},
		"no data":       {[][]bots.Button{row("")}, "0 bytes"},
		"the same":      {[][]bots.Button{row("a"), row("b", "a")}, `two buttons have the data "a"`},
		"six rows":      {[][]bots.Button{row("a"), row("b"), row("c"), row("d"), row("e"), row("f")}, "6 rows"},
		"six in a row":  {[][]bots.Button{row("a", "b", "c", "d", "e", "f")}, "6 buttons"},
		"an empty row":  {[][]bots.Button{row("a"), {}}, "0 buttons"},
		"no text":       {[][]bots.Button{{{Text: " ", Data: "a"}}}, "no text"},
		"broken bytes":  {[][]bots.Button{{{Text: "x", Data: "\xff"}}}, "UTF-8"},
		"broken letter": {[][]bots.Button{{{Text: "\xff", Data: "x"}}}, "UTF-8"},
	} {
		f := bots.CheckButtons(c.rows)
		switch {
		case c.want == "" && f != nil:
			t.Errorf("%s: %v", name, f)
		case c.want != "" && (f == nil || f.Kind != bots.Rejected || !strings.Contains(f.Detail, c.want)):
			t.Errorf("%s: %v, want it rejected with %q", name, f, c.want)
		}
	}
}
