package bottest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
)

// checkButtons checks that the buttons of posts and edits reach the platform
// as they are, or not at all where it shows none, that an edit without buttons
// takes them away, and that buttons which some platform refuses are rejected
// before anything is sent.
func (p Platform) checkButtons() error {
	bot, err := p.New("http://127.0.0.1:1")
	if err != nil {
		return err
	}
	shown := bot.Limits().Buttons
	var wrong []error
	for _, c := range p.withText() {
		for name, rows := range map[string][][]bots.Button{"most": mostButtons(), "odd": oddButtons(), "none": nil} {
			if err := p.checkKeyboard(c, rows, shown); err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %s: %w", c.Name, name, err))
			}
		}
		for name, rows := range badButtons() {
			if !shown {
				break // they are ignored, whatever they are
			}
			op := c.Op
			op.Buttons = rows
			out, err := p.try(context.Background(), op, answer(c.OK))
			wrong = append(wrong, err, wantRejectedUnsent(c.Name+": "+name, out))
		}
	}
	return errors.Join(wrong...)
}

func (p Platform) checkKeyboard(c Call, rows [][]bots.Button, shown bool) error {
	c.Op.Buttons = rows
	out, err := p.try(context.Background(), c.Op, answer(c.OK))
	if err != nil || out.fault != nil || len(out.requests) != 1 {
		return errors.Join(fmt.Errorf("%v after %d requests", out, len(out.requests)), err)
	}
	got, err := p.Decode(out.requests[0])
	if err != nil {
		return err
	}
	if !shown {
		rows = nil
	}
	if d := cmp.Diff(rows, got.Buttons); d != "" {
		return fmt.Errorf("buttons (-want +got)\n%s", d)
	}
	return nil
}

// mostButtons is as many as there may be, with as much data.
func mostButtons() [][]bots.Button {
	rows := make([][]bots.Button, 5)
	for i := range rows {
		for j := range 5 {
			data := fmt.Sprintf("%d%d%s", i, j, strings.Repeat("é", 31))
			rows[i] = append(rows[i], bots.Button{Text: "Publish", Data: data})
		}
	}
	return rows
}

func oddButtons() [][]bots.Button {
	return [][]bots.Button{
		{{Text: `*It* is <there> & "so" \n`, Data: `publish D-17 "x" <&> %20`}, {Text: "发布", Data: "发布"}},
		{{Text: "👩‍👩‍👧‍👦 [x](y)", Data: "👍"}},
	}
}

func badButtons() map[string][][]bots.Button {
	one := func(text, data string) [][]bots.Button { return [][]bots.Button{{{Text: text, Data: data}}} }
	most := mostButtons()
	return map[string][][]bots.Button{
		"no text": one("", "x"), "no data": one("x", ""), "65 bytes of data": one("x", strings.Repeat("x", 65)),
		"66 bytes in 33 letters": one("x", strings.Repeat("é", 33)), "broken data": one("x", "\xff"),
		"the same data twice": {{{Text: "a", Data: "x"}}, {{Text: "b", Data: "x"}}},
		"an empty row":        {{}}, "a sixth row": append(most, one("x", "x")...),
		"a sixth in a row": {append(most[0], bots.Button{Text: "x", Data: "x"})},
	}
}
