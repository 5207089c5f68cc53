package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// Lists is where subscribers are handed in and out. It is implemented by
// [*store.Store].
type Lists interface {
	Subscribers(ctx context.Context, bot string, after int64, limit int) ([]people.Subscriber, error)
	CountSubscribers(ctx context.Context, bot string) (int, error)
	ImportSubscribers(ctx context.Context, bot string, list []people.Subscriber) (people.Imported, error)
}

// Audiences are the bots that have subscribers, and how lists of them are read.
type Audiences struct {
	Bots  []string
	Lists Lists
	List  people.List
}

const (
	importStep = 500    // lines in one transaction, so that nobody else waits long
	exportPage = 10_000 // subscribers in one answer
)

// audience checks the bot that a request names.
func (a *api) audience(r *http.Request) (string, error) {
	bot := r.PathValue("bot")
	if !slices.Contains(a.Audiences.Bots, bot) {
		return "", refuse(http.StatusNotFound, "bot %q has no audience: the bots with one are %s", bot, strings.Join(a.Audiences.Bots, ", "))
	}
	return bot, nil
}

// importSubscribers takes a part of a list: all lines but those that are wrong.
// The part can be sent again when they are mended.
func (a *api) importSubscribers(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	text, line := f.text("text"), max(take[int](f, "line", "the number of a line"), 1)
	if err := f.done(); err != nil {
		return err
	}
	bot, err := a.audience(r)
	if err != nil {
		return err
	}
	lines := 0
	_ = people.Lines(strings.NewReader(text), func(int, string, string) error { lines++; return nil }) // storeList says what is wrong
	if _, err := a.do(r, op, f.body, desk.Subscribers{Bot: bot, Lines: lines}); err != nil {
		return err
	}
	total, refused, err := a.storeList(r.Context(), bot, text, line-1)
	if wrong, ok := errors.AsType[*people.LineError](err); ok {
		p := refuse(http.StatusUnprocessableEntity, "line %d: %s", wrong.Line+line-1, wrong.Err)
		if total.Lines() > 0 { // of what stands before it
			p.Imported = &total
		}
		return p
	}
	if err != nil {
		return err
	}
	if refused.Count > 0 {
		p := refuse(http.StatusUnprocessableEntity, "%d of %d lines are refused, the others are stored: correct them and send them again", refused.Count, refused.Count+total.Lines())
		p.Imported, p.Refused = &total, &refused
		return p
	}
	return reply(w, http.StatusOK, map[string]any{"imported": total})
}

// storeList stores what is right of a part of a list, before which so many lines
// stand.
func (a *api) storeList(ctx context.Context, bot, text string, before int) (total people.Imported, refused people.Refused, err error) {
	var part []people.Subscriber
	store := func() error {
		n, err := a.Audiences.Lists.ImportSubscribers(ctx, bot, part)
		total.Add(n)
		part = part[:0]
		return err
	}
	err = a.Audiences.List.Read(strings.NewReader(text), func(_ int, s people.Subscriber) error {
		if part = append(part, s); len(part) < importStep {
			return nil
		}
		return store()
	}, func(wrong *people.LineError) error {
		refused.Refuse(wrong.Line+before, wrong.Err)
		return nil
	})
	if err == nil {
		err = store()
	}
	return total, refused, err
}

type subscriberJSON struct {
	Chat       string          `json:"chat_id"`
	Language   string          `json:"language"`
	All        bool            `json:"all"`
	Components []string        `json:"components"`
	Impact     incident.Impact `json:"impact"`
	Topic      string          `json:"topic"`
}

// exportSubscribers answers with a page of those who are written to.
func (a *api) exportSubscribers(w http.ResponseWriter, r *http.Request, op Operator) error {
	bot, err := a.audience(r)
	if err != nil {
		return err
	}
	after := int64(0)
	if text := r.URL.Query().Get("after"); text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil {
			return refuse(http.StatusBadRequest, "after is %q: use the next of the page before", text)
		}
	}
	actor := desk.Actor{Name: op.Name, Role: op.Role, Origin: "http"}
	if _, err := a.Desk.Do(r.Context(), actor, "", desk.Subscribers{Bot: bot, Export: true}); err != nil {
		return err
	}
	page, err := a.Audiences.Lists.Subscribers(r.Context(), bot, after, exportPage)
	if err != nil {
		return err
	}
	answer := map[string]any{"next": nil}
	if after == 0 {
		if answer["count"], err = a.Audiences.Lists.CountSubscribers(r.Context(), bot); err != nil {
			return err
		}
	}
	list := []subscriberJSON{}
	for _, s := range page {
		if s.State == people.Active {
			chat, topic := strconv.FormatInt(s.Chat, 10), strconv.FormatInt(s.Topic, 10)
			list = append(list, subscriberJSON{chat, s.Language, s.All, append([]string{}, s.Components...), s.Impact, topic})
		}
	}
	if len(page) == exportPage {
		answer["next"] = strconv.FormatInt(page[len(page)-1].ID, 10)
	}
	answer["subscribers"] = list
	return reply(w, http.StatusOK, answer)
}
