package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// leftBe marks people whom a message did not surely reach and who are not told
// once more.
const leftBe = -1

// Audiences lists where the audiences of an incident stand, a row for each round.
func (t *deskTx) Audiences(ref incident.Ref) ([]broadcast.Delivery, error) {
	return walkDeliveries(t.ctx, t.tx, ref)
}

// AudienceOf is the incident that a delivery to an audience is about.
func (t *deskTx) AudienceOf(delivery string) (ref incident.Ref, err error) {
	round, ok := people.RoundID(delivery)
	if !ok {
		return ref, desk.ErrNotFound
	}
	row := t.tx.QueryRowContext(t.ctx, `SELECT prefix, number FROM incident WHERE id = (SELECT incident FROM walk WHERE id = (SELECT walk FROM walk_round WHERE id = ?))`, round)
	if err = row.Scan(&ref.Prefix, &ref.Number); errors.Is(err, sql.ErrNoRows) {
		err = desk.ErrNotFound
	}
	return ref, err
}

// TellAgain begins a round for those whom a delivery to an audience did not
// surely reach, and for nobody else. It returns how many they are.
func (t *deskTx) TellAgain(delivery string) (n int, err error) {
	w, r, alike, err := t.settling(delivery)
	if err != nil {
		return 0, err
	}
	if !w.Stands(r) {
		return 0, desk.ErrOvertaken
	}
	var last int64
	if n, last, err = t.unsettled(alike); err != nil || n == 0 {
		return 0, err
	}
	round := &people.Round{Kind: r.Kind, Update: r.Update, Revision: r.Revision, State: people.RoundOpen, Again: true,
		Start: last, Wrapped: true, Began: t.now()} // the second part of a ring that ends with the last of them
	if err := saveRound(t.ctx, t.tx, t.now(), w.ID, round); err != nil {
		return 0, err
	}
	if err := t.settleUnsure(alike, round.ID); err != nil {
		return 0, err
	}
	return n, t.exec(`UPDATE walk_round SET
		unsure = unsure - (SELECT count(*) FROM walk_exception WHERE walk_exception.round = walk_round.id AND settled = ? AND walk_exception.kind = 'unsure'),
		failed = failed - (SELECT count(*) FROM walk_exception WHERE walk_exception.round = walk_round.id AND settled = ? AND walk_exception.kind = 'failed')
		WHERE id IN (`+alike+`)`, round.ID, round.ID)
}

// LeaveBe has nobody asked any more about those whom a delivery to an audience
// did not surely reach. It returns how many they are.
func (t *deskTx) LeaveBe(delivery string) (n int, err error) {
	_, _, alike, err := t.settling(delivery)
	if err != nil {
		return 0, err
	}
	if n, _, err = t.unsettled(alike); err != nil || n == 0 {
		return 0, err
	}
	return n, t.settleUnsure(alike, leftBe)
}

// settling loads the walk of a delivery to an audience and its round, and lists
// the ids of all rounds that are about the same, for a statement.
func (t *deskTx) settling(delivery string) (w *people.Walk, r *people.Round, alike string, err error) {
	id, ok := people.RoundID(delivery)
	if !ok {
		return nil, nil, "", desk.ErrNotFound
	}
	walks, err := walksBy(t.ctx, t.tx, `walk.id = (SELECT walk FROM walk_round WHERE id = ?)`, id)
	if err != nil {
		return nil, nil, "", err
	}
	if len(walks) == 0 {
		return nil, nil, "", desk.ErrNotFound
	}
	w = walks[0]
	for k := range w.Rounds {
		if w.Rounds[k].ID == id {
			r = &w.Rounds[k]
		}
	}
	var ids []string
	for _, o := range w.Rounds {
		if o.Same(r) {
			ids = append(ids, strconv.FormatInt(o.ID, 10))
		}
	}
	return w, r, strings.Join(ids, ", "), nil
}

// unsettled counts those whom rounds did not surely reach and about whom
// nothing was decided, and finds the last of them.
func (t *deskTx) unsettled(rounds string) (n int, last int64, err error) {
	row := t.tx.QueryRowContext(t.ctx, `SELECT count(DISTINCT subscriber), coalesce(max(subscriber), 0) FROM walk_exception WHERE settled = 0 AND round IN (`+rounds+`)`)
	err = row.Scan(&n, &last)
	return n, last, err
}

// settleUnsure records what was decided about them, and has the walk looked at.
func (t *deskTx) settleUnsure(rounds string, how int64) error {
	if err := t.exec(`UPDATE walk_exception SET settled = ? WHERE settled = 0 AND round IN (`+rounds+`)`, how); err != nil {
		return err
	}
	if err := t.exec(`UPDATE walk_round SET ask_unsure = 0, ask_failed = 0 WHERE id IN (` + rounds + `)`); err != nil {
		return err
	}
	var account string
	row := t.tx.QueryRowContext(t.ctx, `UPDATE walk SET version = version + 1, idle = 0 WHERE id = (SELECT max(walk) FROM walk_round WHERE id IN (`+rounds+`)) RETURNING account`)
	if err := row.Scan(&account); err != nil {
		return fmt.Errorf("a round without a walk: %w", err)
	}
	if _, ok := t.touched[account]; !ok {
		t.touched[account] = nil
	}
	return nil
}

// Again lists whom a round tells once more, from after somebody on.
func (s *Store) Again(ctx context.Context, round, after int64, limit int) (out []int64, err error) {
	err = s.lookOnce(ctx, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		out = append(out, id)
		return err
	}, `SELECT DISTINCT subscriber FROM walk_exception WHERE settled = ? AND subscriber > ? ORDER BY subscriber LIMIT ?`, round, after, limit)
	return out, err
}
