package bots

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// What every platform with buttons takes. Telegram's callback_data is the
// shorter one (64 bytes, core.telegram.org/bots/api#inlinekeyboardbutton),
// Discord has the fewer buttons (Components, "Action Row").
const (
	maxButtonData = 64 // bytes
	maxButtonRows = 5
	maxButtonsRow = 5 // in one row
)

// A Button stands below a message. Who presses it makes an event [Pressed].
type Button struct {
	Text string // the adapter cuts it to the platform's limit
	Data string // comes back in Event.Button; 1 to 64 bytes, different from those of the other buttons of the message
}

// CheckButtons rejects rows of buttons that some platform would: there are at
// most five rows of one to five buttons, each with a text and with data of its
// own.
func CheckButtons(rows [][]Button) *Fault {
	if len(rows) > maxButtonRows {
		return badButton("there are %d rows of buttons, the limit is %d", len(rows), maxButtonRows)
	}
	seen := map[string]bool{}
	for _, row := range rows {
		if len(row) == 0 || len(row) > maxButtonsRow {
			return badButton("a row has %d buttons, it takes 1 to %d", len(row), maxButtonsRow)
		}
		for _, b := range row {
			if f := b.check(); f != nil {
				return f
			}
			if seen[b.Data] {
				return badButton("two buttons have the data %q", b.Data)
			}
			seen[b.Data] = true
		}
	}
	return nil
}

func (b Button) check() *Fault {
	switch {
	case strings.TrimSpace(b.Text) == "":
		return badButton("the button %q has no text", b.Data)
	case !utf8.ValidString(b.Text) || !utf8.ValidString(b.Data):
		return badButton("the button %q is not valid UTF-8", b.Data)
	case strings.TrimSpace(b.Data) == "" || len(b.Data) > maxButtonData:
		return badButton("the button %q has %d bytes of data, it takes 1 to %d", b.Text, len(b.Data), maxButtonData)
	}
	return nil
}

func badButton(format string, args ...any) *Fault {
	return &Fault{Kind: Rejected, Detail: OneLine(fmt.Sprintf(format, args...))}
}
