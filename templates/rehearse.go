package templates

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/allclear-hq/allclear/internal/incident"
)

// rehearse renders every form, kind and status on every platform in every
// language. It returns the first fault that a reader would notice, and where.
func rehearse(s *Set) (key, error) {
	for _, k := range slices.SortedFunc(maps.Keys(s.blocks), compareKeys) {
		if err := rehearseAt(s, k); err != nil {
			return k, err
		}
	}
	return key{}, nil
}

func rehearseAt(s *Set, k key) error {
	if k.platform == "" {
		if err := rehearsePhrases(s, k.language); err != nil {
			return err
		}
	}
	for _, m := range rehearsals() {
		if err := rehearseOne(s, k, m); err != nil {
			return fmt.Errorf("%w (%s of %s %q in %s)", err, m.Form, m.Kind, m.Status, k)
		}
	}
	if err := rehearseTalk(s.blocks[k]); err != nil {
		return fmt.Errorf("%w (in %s)", err, k)
	}
	return nil
}

func compareKeys(a, b key) int { return strings.Compare(a.String(), b.String()) }

// String names the key as a file of overrides is named.
func (k key) String() string { return strings.TrimPrefix(k.platform+"."+k.language, ".") }

func rehearseOne(s *Set, k key, m Message) error {
	b, sp, clean := s.blocks[k], nominal(k.platform), m.cleaned()
	frame, err := b.layout(&clean, full, true)
	if err != nil {
		return err
	}
	carries := m.Form == First || m.Form == Update || m.Form == Correction
	switch {
	case carries && !strings.Contains(frame, bodyMark):
		return fmt.Errorf("drops the body: write {{.Body}} where the text belongs")
	case strings.Count(frame, bodyMark) > 1:
		return fmt.Errorf("says the body twice: write {{.Body}} once")
	case m.Form == First && !strings.Contains(frame, clean.Title):
		return fmt.Errorf("drops the title: write {{.Title}} where it belongs")
	}
	if err := rehearseEmpty(b, clean, sp); err != nil {
		return err
	}
	_, err = s.Render(k.platform, k.language, m, sp)
	return err
}

// rehearseEmpty checks what a form says of its own, without a body.
func rehearseEmpty(b *blocks, m Message, sp Space) error {
	m.Body = ""
	m.Title = clip(m.Title, titleRoom/2)
	frame, err := b.layout(&m, short, true)
	if err != nil {
		return err
	}
	if frame == "" && m.Form != Update {
		return fmt.Errorf("renders empty: say what the message is, or remove the block")
	}
	if n := sp.Measure(frame + "\n\n" + footer(&m)); n > sp.Max {
		return fmt.Errorf("is over the limit of %d without any body, at %d: shorten it", sp.Max, n)
	}
	return nil
}

// rehearsals are the examples that every template is tried on.
func rehearsals() []Message {
	at := time.Date(2026, 11, 30, 12, 18, 0, 0, time.UTC)
	zone := time.FixedZone("SGT", 8*60*60)
	texts := []Message{
		{Title: "Login is unavailable", Body: "Nobody can log in."},
		{Title: strings.TrimSpace(strings.Repeat("A title of two hundred characters ", 6))[:200], Body: strings.Repeat("A long text. ", 400)},
		{Title: "登录与提现不可用", Body: strings.Repeat("自 12:01 起无法登录。", 300), Zone: zone, NextUpdate: at.Add(time.Hour)},
		{
			Title: "Login and withdrawals are unavailable", Body: "Since 12:01 UTC nobody can log in.\n\nFunds are not affected.", Zone: zone,
			Impact: incident.Critical, WasImpact: incident.Minor, Original: english, Link: "https://status.example.com/incidents/INC-12",
			Components: []string{"Login", "Withdrawals"}, NextUpdate: at.Add(13 * time.Hour), WasNext: at.Add(time.Hour),
			Begin: at.Add(24 * time.Hour), End: at.Add(26 * time.Hour), Missed: 2, Revision: 2, Drill: true,
			Corrects: "INC-12/2 https://example.com/2", Head: Head{Status: incident.Resolved, At: at.Add(2 * time.Hour), Updates: 9},
		},
	}
	var all []Message
	for _, m := range texts {
		m.Ref, m.At, m.WasStatus = "INC-12/3", at, incident.Identified
		for _, m.Form = range Forms {
			for _, m.Kind = range incident.Kinds {
				for _, m.Status = range m.Kind.Statuses() {
					if len(m.Body) < 100 || m.Status == m.Kind.First() { // a long text is slow to try
						all = append(all, m)
					}
				}
			}
		}
	}
	return all
}

// nominal is the space that a platform is known to give. What counts when a
// message is rendered are the limits that its adapter states.
func nominal(platform string) Space {
	switch platform {
	case "discord":
		return Space{Max: 2000, Measure: utf8.RuneCountInString}
	case "twitter":
		return Space{Max: 280, Measure: weigh}
	case "wechat":
		return Space{Max: 2048, Measure: func(s string) int { return len(s) }}
	}
	return Space{Max: 4096, Measure: utf8.RuneCountInString}
}

// weigh counts a text as X does, but takes links and emoji at full length, so
// that it never counts less (twitter-text, config/v3.json).
func weigh(s string) int {
	n := 0
	for _, r := range s {
		if r <= 0x10FF || 0x2000 <= r && r <= 0x200D || 0x2010 <= r && r <= 0x201F || 0x2032 <= r && r <= 0x2037 {
			n++
		} else {
			n += 2
		}
	}
	return n
}

// blame finds the override with which a rehearsal at k begins to fail, by
// adding them one at a time.
func blame(builtin, overrides sources, k key, failure error) error {
	some := sources{}
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		some[name] = source{}
		for _, block := range slices.Sorted(maps.Keys(overrides[name])) {
			tree := overrides[name][block]
			some[name][block] = tree
			s, err := newSet(builtin, some, []string{k.language}, nil)
			if err == nil {
				err = rehearseAt(s, k)
			}
			if err != nil {
				return fmt.Errorf("%s: block %q %w", place(tree, tree.Root), block, err)
			}
		}
	}
	return failure // not reached: without overrides all is well, as a test shows
}
