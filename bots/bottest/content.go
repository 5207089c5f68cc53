package bottest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/allclear-hq/allclear/bots"
)

// texts are posted and must be displayed exactly as they stand.
func texts() []string {
	return []string{
		"Withdrawals are back for most.\n\nNext update by 13:00 UTC.\nINC-12/3 · 12:18 UTC",
		`quotes " ' “ ” ‘ ’ « », backslashes \ \\ \" \n \u0041 C:\_x\*y, slashes / // and 100 % %20 %s`,
		"登录和提现目前不可用。\n下一次更新：13:00（UTC）。— 「状态」…",
		"ログインと出金、로그인 및 출금, बैंक सेवा, ไทย, Ελληνικά, Ünïçødé",
		"emoji 👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇸🇬 🏴󠁧󠁢󠁳󠁣󠁴󠁿 1️⃣ ❤️ ✓ ✗",
		"עדכון: המשיכות חזרו. תحديث: السحب متاح",
		"*bold* **bold** _it_ __under__ ~~gone~~ ||spoiler|| `code` ```go\ncode\n``` > quote",
		"# head\n## head\n### head\n-# small\n> quote\n>>> all\n- item\n* item\n1. item",
		"@everyone @here @all @channel <@123> <@!123> <@&123> <#123> <:x:123> <t:1700000000:R> </verb:123> <id:guide>",
		"<b>bold</b> <a href=\"https://example.com\">x</a> &amp; &lt;script&gt; & < >",
		"[name](https://status.example.com/a_b_c?x=1&y=*2*) https://status.example.com/a_b*c*d ~ snake_case_word",
		"{{placeholder}} ${x} $(x) {\"a\": [1]} ;--",
		"two  spaces\n\n\nthree newlines",
		"a + b = c | d ! e ( f ) . g - h # i",
	}
}

func (c Call) want(l bots.Limits) bots.Operation {
	op := c.Asks
	if op.Action == "" {
		op = c.Op
	}
	if l.Deduplicates == 0 {
		op.Nonce = "" // has no use there
	}
	if !l.Buttons {
		op.Buttons = nil
	}
	return op
}

// checkCalls checks that each call asks for what it should, in one request,
// and that the answer becomes the right receipt.
func (p Platform) checkCalls() error {
	bot, err := p.New("http://127.0.0.1:1")
	if err != nil {
		return err
	}
	var wrong []error
	for _, c := range p.Calls {
		fail := func(format string, args ...any) {
			wrong = append(wrong, fmt.Errorf(c.Name+": "+format, args...))
		}
		out, err := p.try(context.Background(), c.Op, answer(c.OK))
		if err != nil {
			fail("%w", err)
		}
		if out.fault != nil || len(out.requests) != 1 {
			fail("%v after %d requests, want success after one", out, len(out.requests))
			continue
		}
		if d := diffReceipts(c.Receipt, out.receipt); d != "" {
			fail("receipt (-want +got)\n%s", d)
		}
		got, err := p.Decode(out.requests[0])
		if err != nil {
			fail("the request cannot be understood: %w", err)
			continue
		}
		if d := cmp.Diff(c.want(bot.Limits()), got); d != "" {
			fail("what was asked for (-want +got)\n%s", d)
		}
	}
	return errors.Join(wrong...)
}

func diffReceipts(want, got bots.Receipt) string {
	return cmp.Diff(want, got, cmpopts.EquateApproxTime(2*time.Second))
}

// checkActions checks that there is a call for each action that the limits
// offer, and that the others are rejected before anything is sent.
func (p Platform) checkActions() error {
	bot, err := p.New("http://127.0.0.1:1")
	if err != nil {
		return err
	}
	l := bot.Limits()
	offered := map[bots.Action]bool{
		bots.Post: true, bots.Edit: l.Edit, bots.Delete: l.Delete, bots.Crosspost: l.Crosspost, bots.Pin: l.Pin,
		bots.OpenThread: l.Threads != bots.NoThreads, "": false, "shout": false,
	}
	var wrong []error
	for action, ok := range offered {
		has := slices.ContainsFunc(p.Calls, func(c Call) bool { return c.Op.Action == action })
		if ok != has {
			wrong = append(wrong, fmt.Errorf("%s: limits say %t, Calls say %t", action, ok, has))
		}
		if ok {
			continue
		}
		op := p.Calls[0].Op
		op.Action, op.Message, op.Title = action, "1", "title"
		out, err := p.try(context.Background(), op, answer(p.Calls[0].OK))
		wrong = append(wrong, err, wantRejectedUnsent(fmt.Sprintf("action %q", action), out))
	}
	return errors.Join(wrong...)
}

func wantRejectedUnsent(what string, out outcome) error {
	if out.fault == nil || out.fault.Kind != bots.Rejected || len(out.requests) != 0 || out.journaled != 0 {
		return fmt.Errorf("%s: %v after %d requests, want it rejected before anything is sent", what, out, len(out.requests))
	}
	return nil
}

// withText are the calls that carry a text, as short as may be.
func (p Platform) withText() []Call {
	calls := []Call{p.Calls[0]}
	for _, c := range p.Calls[1:] {
		if c.Op.Action == bots.Edit {
			calls = append(calls, c)
		}
	}
	return calls
}

// checkTexts checks that texts are displayed as they stand and that Measure
// counts as the platform does.
func (p Platform) checkTexts() error {
	var wrong []error
	for _, c := range p.withText() {
		for _, text := range texts() {
			if err := p.checkText(c, text); err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %q: %w", c.Name, text, err))
			}
		}
	}
	return errors.Join(wrong...)
}

func (p Platform) checkText(c Call, text string) error {
	peer := newPeer(answer(c.OK))
	defer peer.close()
	bot, err := p.New(peer.url)
	if err != nil {
		return err
	}
	l := bot.Limits()
	if n := l.Measure(text); n > l.MaxText {
		return fmt.Errorf("Measure says %d, over the limit of %d", n, l.MaxText)
	}
	c.Op.Text = text
	out, err := p.do(context.Background(), bot, peer, c.Op)
	if err != nil || out.fault != nil || len(out.requests) != 1 {
		return errors.Join(fmt.Errorf("%v after %d requests", out, len(out.requests)), err)
	}
	got, err := p.Decode(out.requests[0])
	if err != nil {
		return err
	}
	if got.Text != text {
		return fmt.Errorf("is displayed as %q", got.Text)
	}
	if m, n := l.Measure(text), p.Length(out.requests[0]); m != n {
		return fmt.Errorf("Measure says %d, the platform counts %d", m, n)
	}
	return nil
}

// checkLimit checks texts that just fit, and that those one unit longer are
// rejected before anything is sent.
func (p Platform) checkLimit() error {
	bot, err := p.New("http://127.0.0.1:1")
	if err != nil {
		return err
	}
	l := bot.Limits()
	var wrong []error
	for _, c := range p.withText() {
		for _, piece := range []string{"a", "é", "界", "👍", "_", "&"} {
			text := fill(l, piece)
			if err := p.checkText(c, text); err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %q filled to %d: %w", c.Name, piece, l.Measure(text), err))
			}
			c.Op.Text = overfill(l, text)
			out, err := p.try(context.Background(), c.Op, answer(c.OK))
			what := fmt.Sprintf("%s: %q filled to %d of %d", c.Name, piece, l.Measure(c.Op.Text), l.MaxText)
			wrong = append(wrong, err, wantRejectedUnsent(what, out))
		}
	}
	return errors.Join(wrong...)
}

// fill returns pieces, then single letters, that measure exactly the limit.
func fill(l bots.Limits, piece string) string {
	n := 1
	for l.Measure("x"+strings.Repeat(piece, 2*n)+"x") <= l.MaxText {
		n *= 2
	}
	for step := n; step > 0; step /= 2 {
		for l.Measure("x"+strings.Repeat(piece, n+step)+"x") <= l.MaxText {
			n += step
		}
	}
	text := "x" + strings.Repeat(piece, n) + "x"
	for l.Measure(text+"x") <= l.MaxText {
		text += "x"
	}
	return text
}

func overfill(l bots.Limits, text string) string {
	for l.Measure(text) <= l.MaxText {
		text += "x"
	}
	return text
}

// checkConcurrency posts from many goroutines through one bot.
func (p Platform) checkConcurrency() error {
	const posts = 48
	call := p.Calls[0]
	peer := newPeer(answer(call.OK))
	defer peer.close()
	bot, err := p.New(peer.url)
	if err != nil {
		return err
	}
	var (
		all  sync.WaitGroup
		errs = make([]error, posts)
		want []string
	)
	for i := range posts {
		op := call.Op
		op.Text = fmt.Sprintf("post %02d", i)
		want = append(want, op.Text)
		all.Go(func() {
			receipt, err := bot.Do(context.Background(), op)
			if d := diffReceipts(call.Receipt, receipt); d != "" {
				err = errors.Join(err, errors.New(d))
			}
			errs[i] = err
		})
	}
	all.Wait()
	var got []string
	for _, r := range peer.seen() {
		op, err := p.Decode(r)
		errs = append(errs, err)
		got = append(got, op.Text)
	}
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		errs = append(errs, fmt.Errorf("posts (-want +got)\n%s", d))
	}
	return errors.Join(errs...)
}
