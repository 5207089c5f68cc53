package people

import (
	"slices"
	"strconv"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

// How the services stand in their menu: a message takes five rows of buttons,
// of which two are for moving about.
const (
	servicesRow  = 2
	servicesPage = 3 * servicesRow
)

func pageOf(arg string) int {
	n, err := strconv.Atoi(arg)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// pageWith is the page of the menu on which a component stands.
func (d *dialogue) pageWith(id string) int {
	return max(slices.IndexFunc(d.components, func(c Component) bool { return c.ID == id }), 0) / servicesPage
}

// A menu makes the buttons under an answer, in one language.
type menu struct {
	*dialogue
	words func(name string) string
}

func (d *dialogue) menu(texts *templates.Set, language string) menu {
	return menu{d, func(name string) string { return texts.Word(language, name) }}
}

func (m menu) button(name, data string) bots.Button {
	return bots.Button{Text: m.words("button." + name), Data: buttonPrefix + data}
}

// choice is a button for one of several things, marked if it is the one.
func choice(chosen bool, text, data string) bots.Button {
	if chosen {
		text = "✓ " + text
	}
	return bots.Button{Text: text, Data: buttonPrefix + data}
}

// rows are the buttons under an answer.
func (m menu) rows(a answer) [][]bots.Button {
	back := []bots.Button{m.button("back", "menu")}
	switch a.what {
	case settings:
		return m.settings(a.sub)
	case followed:
		if !a.sub.All && len(a.sub.Components) == 0 {
			return [][]bots.Button{{m.button("everything", "all")}}
		}
	case stopped:
		return [][]bots.Button{{m.button("subscribe", "again")}, {m.button("erase", "erase")}}
	case services, oneService:
		return m.services(a.sub, a.page)
	case severity:
		var rows [][]bots.Button
		for _, i := range incident.Impacts {
			rows = append(rows, []bots.Button{choice(a.sub.Impact == i, m.words("severity."+string(i)), "least:"+string(i))})
		}
		return append(rows, back)
	case tongues:
		return append(m.languages(a.sub), back)
	case eraseAsk:
		return [][]bots.Button{{m.button("yes", "erase!")}, back}
	}
	return nil
}

func (m menu) settings(s Subscriber) [][]bots.Button {
	switch {
	case !s.known():
		return [][]bots.Button{{m.button("subscribe", "start")}}
	case s.State != Active:
		return [][]bots.Button{{m.button("subscribe", "again")}, {m.button("erase", "erase")}}
	}
	rows := [][]bots.Button{{m.button("services", "services:0"), m.button("severity", "impact")}}
	if len(m.dialogue.components) < 2 {
		rows = [][]bots.Button{{m.button("severity", "impact")}}
	}
	if len(m.dialogue.languages) > 1 {
		rows = append(rows, []bots.Button{m.button("language", "tongue")})
	}
	return append(rows, []bots.Button{m.button("stop", "stop")}, []bots.Button{m.button("erase", "erase")})
}

// services is a page of the components.
func (m menu) services(s Subscriber, page int) [][]bots.Button {
	all := m.dialogue.components
	page = min(page, (len(all)-1)/servicesPage)
	from, to := page*servicesPage, min((page+1)*servicesPage, len(all))
	var rows [][]bots.Button
	for part := range slices.Chunk(all[from:to], servicesRow) {
		var row []bots.Button
		for _, c := range part {
			chosen := s.All || slices.Contains(s.Components, c.ID)
			row = append(row, choice(chosen, c.Name, map[bool]string{true: "off:", false: "on:"}[chosen]+c.ID))
		}
		rows = append(rows, row)
	}
	rows = append(rows, []bots.Button{choice(s.All, m.words("button.all"), "all")})
	last := []bots.Button{m.button("back", "menu")}
	if len(all) > servicesPage {
		next := 0
		if to < len(all) {
			next = page + 1
		}
		last = append(last, m.button("next", "services:"+strconv.Itoa(next)))
	}
	return append(rows, last)
}

// maxLanguages is how many languages have a button: the rows before the last.
const maxLanguages = 4 * 3

func (m menu) languages(s Subscriber) (rows [][]bots.Button) {
	list := m.dialogue.languages
	width := 1
	if len(list) > 4 {
		width = 3
	}
	for part := range slices.Chunk(list[:min(len(list), maxLanguages)], width) {
		var row []bots.Button
		for _, tag := range part {
			row = append(row, choice(s.Language == tag, templates.OwnName(tag), "speak:"+tag))
		}
		rows = append(rows, row)
	}
	return rows
}
