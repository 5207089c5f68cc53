package desk

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

// A Question is a command that was unclear, and what it may have meant. It is
// stored, so that a button under it works after a restart too.
type Question struct {
	ID      int64
	Key     string // of the event that raised it: one event, one question
	Person  string // the operator who is asked
	Text    string
	Choices []Choice
	Held    []Choice  // deliveries to choose among, for the release of a freeze
	SaidAt  time.Time // when the command was typed
	AskedAt time.Time
}

// A Choice is one answer to a question: the command as it would be then.
type Choice struct {
	Label string
	Typed incident.Typed
}

// askedFor is how long a question can be answered.
const askedFor = 15 * time.Minute

// Bounds of a question, within what platforms take.
const (
	choiceRows   = 5
	choicesInRow = 2 // with labels that are read on a phone
)

// buttons are the choices as buttons.
func (q *Question) buttons() (rows [][]bots.Button) {
	for k, c := range q.Choices[:min(len(q.Choices), choiceRows*choicesInRow)] {
		if k%choicesInRow == 0 {
			rows = append(rows, nil)
		}
		b := bots.Button{Text: short(c.Label, 60), Data: press("ask", fmt.Sprint(q.ID), strconv.Itoa(k))}
		if c.Label == chooseLabel {
			b.Data = press("pick", fmt.Sprint(q.ID), "0")
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], b)
	}
	return rows
}

// settle marks the question as answered that a command answers, unless another
// press did.
func (h *hearing) settle(tx Tx) error {
	if h == nil || h.question == 0 {
		return nil
	}
	first, err := tx.Settle(h.question, h.heard.Key)
	if err == nil && !first {
		return refuse(Conflict, "this question was answered already")
	}
	return err
}

// ask asks what an unclear command means, with a button for each choice. Where
// there is nothing to choose from, the words of the refusal are the answer.
func (r *Rooms) ask(ctx context.Context, h heard, actor Actor, t incident.Typed, refusal *Refusal) (string, error) {
	choices, err := r.choices(ctx, actor, t, refusal.Ask)
	if err != nil {
		return "", err
	}
	text := capital(refusal.Text) + "."
	if len(choices) == 0 {
		return text, nil
	}
	q := &Question{Key: r.key(h), Person: actor.Name, Text: text, Choices: choices, SaidAt: actor.SaidAt, AskedAt: time.Now().UTC()}
	if q.Held, err = r.heldBy(ctx, t, refusal.Ask); err != nil {
		return "", err
	}
	return "", r.put(ctx, h, q)
}

// askVerb asks which command an unknown one was meant as.
func (r *Rooms) askVerb(ctx context.Context, h heard, actor Actor, unknown *incident.UnknownVerb) (string, error) {
	text := capital(unknown.Error()) + "."
	choices := verbChoices(h.ev.Text, unknown, r.Desk.Languages)
	if len(choices) == 0 {
		return text, nil
	}
	return "", r.put(ctx, h, &Question{Key: r.key(h), Person: actor.Name, Text: text, Choices: choices, SaidAt: actor.SaidAt, AskedAt: time.Now().UTC()})
}

// put stores a question with the event that raised it, and asks.
func (r *Rooms) put(ctx context.Context, h heard, q *Question) error {
	from, err := r.hearing(h)
	if err != nil {
		return err
	}
	_, err = r.Desk.Store.Change(ctx, "", func(tx Tx) ([]byte, error) {
		if err := from.settle(tx); err != nil {
			return nil, err
		}
		if err := tx.Ask(q); err != nil {
			return nil, err
		}
		return nil, from.hear(tx)
	})
	if err != nil {
		return err
	}
	h.mail.taken, h.mail.done = true, true
	op := h.reply(q.Text)
	op.Buttons = q.buttons()
	h.then(func(ctx context.Context) { r.post(ctx, h, op) })
	return nil
}

// hearing is what is stored with what an event brings about.
func (r *Rooms) hearing(h heard) (*hearing, error) {
	record, err := h.record()
	return &hearing{heard: record, question: h.question}, err
}

// question finds the question under which a button was pressed, and says what
// is wrong with the press, if anything is.
func (r *Rooms) question(ctx context.Context, actor Actor, id string) (q *Question, wrong string, err error) {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil, otherVersion, nil //nolint:nilerr // it is the answer
	}
	q, err = r.Store.Question(ctx, number)
	switch {
	case err != nil:
		return nil, "", err
	case q == nil:
		return nil, otherVersion, nil
	case q.Person != actor.Name:
		return nil, fmt.Sprintf("This question is for %s. Type the command yourself if you mean it.", q.Person), nil
	case time.Since(q.AskedAt) > askedFor:
		return nil, "This question is too old. Type the command again.", nil
	}
	return q, "", nil
}

// chosen carries out the command as a button under a question completes it.
func (r *Rooms) chosen(ctx context.Context, h heard, actor Actor, id, choice string) (string, error) {
	q, wrong, err := r.question(ctx, actor, id)
	if q == nil {
		return wrong, err
	}
	k, err := strconv.Atoi(choice)
	if err != nil || k < 0 || k >= len(q.Choices) {
		return otherVersion, nil //nolint:nilerr // it is the answer
	}
	c := q.Choices[k]
	return r.answered(ctx, h, actor, q, c.Label, c.Typed)
}

// answered carries out what a question came to, and leaves under it what that
// was.
func (r *Rooms) answered(ctx context.Context, h heard, actor Actor, q *Question, label string, t incident.Typed) (string, error) {
	h.question = q.ID
	actor.SaidAt = q.SaidAt
	text, err := r.carryOut(ctx, h, actor, t)
	if err != nil || !h.mail.done {
		return text, err // it can be answered otherwise
	}
	op := bots.Operation{Action: bots.Edit, Target: h.ev.Chat, Message: h.ev.Message, Thread: h.ev.Thread, Text: q.Text + "\n→ " + label}
	h.then(func(ctx context.Context) { r.post(ctx, h, op) })
	return text, nil
}
