package broadcast

import (
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

// A Preview is what one channel would show.
type Preview struct {
	Channel Channel
	Limits  bots.Limits
	Text    templates.Text
	Size    int // of the text, in the platform's unit
	First   bool
	Note    string // language of the text where there is no translation
}

// Preview renders what the channels would show of the newest update of i,
// which is not published yet. lanes are those that the incident already has.
func (e *Engine) Preview(i *incident.Incident, channels []Channel, lanes []*Lane) ([]Preview, error) {
	n := len(i.Updates)
	var out []Preview
	for _, ch := range channels {
		l := &Lane{Channel: Channel{Name: ch.Name}}
		for _, have := range lanes {
			if have.Channel.Name == ch.Name {
				l = have
			}
		}
		if !e.complete(l) {
			continue
		}
		l.Incident = *i
		l.Entries = append(l.Entries, Entry{ID: -1, Update: n, Kind: Say, Should: Should{What: Words, Revision: 1}})
		p := planner{Lane: l, now: time.Now()}
		entry := l.entry(-1)
		message := p.message(entry, Shows{What: Words, Revision: 1})
		text, err := e.Texts.Render(l.Channel.Platform, l.Channel.Language, *message, templates.Space{Max: l.Limits.MaxText, Measure: l.Limits.Measure})
		if err != nil {
			return nil, err
		}
		out = append(out, Preview{Channel: l.Channel, Limits: l.Limits, Text: text, Size: l.Limits.Measure(text.String), First: p.isFirst(entry), Note: message.Original})
	}
	return out, nil
}
