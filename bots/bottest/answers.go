package bottest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// checkAnswers checks what the adapter makes of each documented answer.
func (p Platform) checkAnswers() error {
	var wrong []error
	for _, a := range p.Answers {
		if a.Op.Action == "" {
			a.Op = p.Calls[0].Op
		}
		out, err := p.try(context.Background(), a.Op, answer(a.Reply))
		if len(out.requests) != 1 {
			err = errors.Join(err, fmt.Errorf("%d requests, want one", len(out.requests)))
		}
		if err = errors.Join(err, a.judge(out)); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", a.Name, err))
		}
	}
	return errors.Join(wrong...)
}

func (a Answer) judge(out outcome) error {
	if a.Want.Kind == "" {
		if d := diffReceipts(a.Receipt, out.receipt); out.fault != nil || d != "" {
			return fmt.Errorf("%v, want success (-want +got)\n%s", out, d)
		}
		return nil
	}
	got := out.fault
	if got == nil {
		return fmt.Errorf("%v, want %v", out, &a.Want)
	}
	if got.Kind != a.Want.Kind || got.Subject != a.Want.Subject || got.Code != a.Want.Code || got.To != a.Want.To {
		return fmt.Errorf("%v, want %v", got, &a.Want)
	}
	if !strings.Contains(got.Detail, a.Want.Detail) {
		return fmt.Errorf("detail %q, want it to contain %q", got.Detail, a.Want.Detail)
	}
	return a.judgeUntil(out)
}

// judgeUntil checks that a limit is obeyed to the second: never earlier than
// told, nor more than a second later.
func (a Answer) judgeUntil(out outcome) error {
	earliest, latest := a.Want.Until, a.Want.Until.Add(time.Second)
	switch {
	case a.After != 0:
		earliest, latest = out.answered.Add(a.After), out.ended.Add(a.After+time.Second)
	case a.Want.Until.IsZero() && a.Want.Kind == bots.RateLimited:
		earliest, latest = out.ended, out.ended.Add(time.Hour) // the platform did not say
	case a.Want.Until.IsZero():
		latest = time.Time{}
	}
	if u := out.fault.Until; u.Before(earliest) || u.After(latest) {
		return fmt.Errorf("not before %v, want between %v and %v", u, earliest, latest)
	}
	return nil
}

// checkWords checks that the platform's own words come back fit for a log.
func (p Platform) checkWords() error {
	var wrong []error
	for words, keeps := range map[string]string{
		"no reason in particular":                    "reason in particular",
		"one\nline\r\nonly\x00\x1b[31m please":       "one line only",
		strings.Repeat("long words 很长的话 ", 200):      "long words 很长的话 long words",
		"secret " + strings.Join(p.Secrets, " and "): "secret",
	} {
		out, err := p.try(context.Background(), p.Calls[0].Op, answer(p.Refuse(words)))
		if out.fault == nil {
			err = errors.Join(err, errors.New("no fault"))
		} else if !strings.Contains(out.fault.Detail, keeps) {
			err = errors.Join(err, fmt.Errorf("the platform's words are lost: %v", out.fault))
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%.40q: %w", words, err))
		}
	}
	return errors.Join(wrong...)
}

// checkRetryAfter checks that a limit stated only in HTTP's own header is
// obeyed, whatever the page below it says.
func (p Platform) checkRetryAfter() error {
	var wrong []error
	for _, c := range p.Calls {
		a := Answer{
			Reply: Reply{Status: 429, Header: map[string]string{"Retry-After": "7", "Content-Type": "text/html"}, Body: "<html>slow down</html>"},
			After: 7 * time.Second,
		}
		out, err := p.try(context.Background(), c.Op, answer(a.Reply))
		if out.fault == nil || out.fault.Kind != bots.RateLimited {
			wrong = append(wrong, fmt.Errorf("%s: %v, want a limit", c.Name, out), err)
			continue
		}
		wrong = append(wrong, err, a.judgeUntil(out))
	}
	return errors.Join(wrong...)
}
