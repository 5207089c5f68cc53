package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// Announce makes an update known to the walk of its incident through an
// audience, which it begins if need be.
func (t *deskTx) Announce(ref incident.Ref, ch broadcast.Channel, update int) error {
	err := t.exec(`INSERT INTO walk (incident, channel, account, version, idle, said, dropped, paid)
		SELECT id, ?, ?, 0, 0, ' ', 0, 0 FROM incident WHERE prefix = ? AND number = ?
		ON CONFLICT (incident, channel) DO UPDATE SET account = excluded.account`, ch.Name, ch.Account, ref.Prefix, ref.Number)
	if err != nil {
		return err
	}
	if _, ok := t.touched[ch.Account]; !ok {
		t.touched[ch.Account] = nil
	}
	return t.exec(`UPDATE walk SET said = said || ? || ' ', version = version + 1, idle = 0
		WHERE channel = ? AND incident = (SELECT id FROM incident WHERE prefix = ? AND number = ?)`,
		strconv.Itoa(update), ch.Name, ref.Prefix, ref.Number)
}

// stirWalks has the walks of an incident looked at: something that was said
// has become another wording, or is withdrawn.
func (t *deskTx) stirWalks(incident int64) error {
	return t.exec(`UPDATE walk SET version = version + 1, idle = 0 WHERE incident = ?`, incident)
}

// HeldNews lists what people are not told because of a freeze, by walk.
func (t *deskTx) HeldNews(scope string) (out []desk.HeldNews, err error) {
	walks, err := walksBy(t.ctx, t.tx, `idle = 0 AND ? IN `+scopesOf("walk"), scope)
	for _, w := range walks {
		held := slices.DeleteFunc(w.Deliveries(w.Channel), func(d broadcast.Delivery) bool { return d.State != broadcast.Held })
		out = append(out, desk.HeldNews{Walk: w.ID, Channel: w.Channel, Deliveries: held})
	}
	return out, err
}

// DropNews has people told nothing of what a freeze held back.
func (t *deskTx) DropNews(news []desk.HeldNews) error {
	for _, n := range news {
		err := t.exec(`UPDATE walk SET version = version + 1, dropped = (SELECT max(n) FROM said WHERE said.incident = walk.incident), dropped_at = ? WHERE id = ?`, micros(t.now()), n.Walk)
		if err != nil {
			return err
		}
	}
	return nil
}

const roundColumns = `id, kind, n, revision, state, start, place, wrapped, span, passed, told, unsure, failed, again, ask_unsure, ask_failed, audience, speed, budget, unpaid, began`

// Walks loads the walks of an audience that have something to do, oldest first.
func (s *Store) Walks(ctx context.Context, channel string) (out []*people.Walk, err error) {
	err = s.look(ctx, func(tx *tx) error {
		out, err = walksBy(ctx, tx, `channel = ? AND idle = 0`, channel)
		return err
	})
	return out, err
}

// WalksOf loads the walks of an incident, by channel.
func (s *Store) WalksOf(ctx context.Context, ref incident.Ref) (out map[string]*people.Walk, err error) {
	err = s.look(ctx, func(tx *tx) error {
		out, err = walksOf(ctx, tx, ref)
		return err
	})
	return out, err
}

func walksOf(ctx context.Context, q querier, ref incident.Ref) (map[string]*people.Walk, error) {
	channels := map[int64]string{}
	rows, err := q.QueryContext(ctx, `SELECT walk.id, channel FROM walk JOIN incident ON incident.id = walk.incident WHERE prefix = ? AND number = ?`, ref.Prefix, ref.Number)
	err = each(rows, err, func() error {
		var id int64
		var channel string
		err := rows.Scan(&id, &channel)
		channels[id] = channel
		return err
	})
	if err != nil {
		return nil, err
	}
	out := map[string]*people.Walk{}
	for id, channel := range channels {
		walks, err := walksBy(ctx, q, `walk.id = ?`, id)
		if err != nil {
			return nil, err
		}
		out[channel] = walks[0]
	}
	return out, nil
}

// walkDeliveries are the rows of audiences among an incident's deliveries: one
// for each round.
func walkDeliveries(ctx context.Context, q querier, ref incident.Ref) (out []broadcast.Delivery, err error) {
	walks, err := walksOf(ctx, q, ref)
	if err != nil {
		return nil, err
	}
	for _, channel := range slices.Sorted(maps.Keys(walks)) {
		if err := countEdits(ctx, q, walks[channel]); err != nil {
			return nil, err
		}
		out = append(out, walks[channel].Deliveries(channel)...)
	}
	return out, nil
}

// countEdits adds to a walk how far the messages are that are changed. Those of a row
// count when all of it is.
func countEdits(ctx context.Context, q querier, w *people.Walk) error {
	w.Edits = w.Editings()
	for k := range w.Edits {
		e := &w.Edits[k]
		rows, err := q.QueryContext(ctx, `SELECT shows, sum(people) FROM walk_batch WHERE walk = ? AND n = ? AND revision <> ? AND kind <> 'retraction' AND is_open = 0 GROUP BY shows`,
			w.ID, e.Update, e.Shows)
		err = each(rows, err, func() error {
			var shows, n int
			err := rows.Scan(&shows, &n)
			if e.Of += n; shows == e.Shows || shows == people.ShowsTombstone {
				e.Done += n
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Walking lists where audiences stand that are told something, and those of the
// newest of whom a person has to settle somebody.
func (s *Store) Walking(ctx context.Context) (out []broadcast.Delivery, err error) {
	err = s.look(ctx, func(tx *tx) error {
		walks, err := walksBy(ctx, tx, `idle = 0 OR walk.id > (SELECT max(o.id) - 50 FROM walk o)
			AND EXISTS (SELECT 1 FROM walk_round WHERE walk_round.walk = walk.id AND (ask_unsure > 0 OR ask_failed > 0))`)
		for _, w := range walks {
			if err := countEdits(ctx, tx, w); err != nil {
				return err
			}
			out = append(out, w.Deliveries(w.Channel)...)
		}
		return err
	})
	return out, err
}

func walksBy(ctx context.Context, q querier, where string, args ...any) (out []*people.Walk, err error) {
	var incidents []int64
	rows, err := q.QueryContext(ctx, `SELECT id, incident, channel, version, said, dropped, dropped_at, paid, (SELECT count(*) FROM freeze WHERE scope IN `+scopesOf("walk")+`),
			coalesce((SELECT place FROM walk_round WHERE kind = 'post' AND again = 0 AND walk_round.walk = (SELECT max(o.id) FROM walk o WHERE o.channel = walk.channel AND o.id < walk.id) ORDER BY id DESC LIMIT 1), 0),
			(SELECT coalesce(max(id), 0) FROM fence WHERE fence.account = walk.account)
		FROM walk WHERE `+where+` ORDER BY id`, args...)
	err = each(rows, err, func() error {
		var w people.Walk
		var incident, droppedAt int64
		var said string
		var frozen int
		if err := rows.Scan(&w.ID, &incident, &w.Channel, &w.Version, &said, &w.Dropped, &droppedAt, &w.Paid, &frozen, &w.Before, &w.Fence); err != nil {
			return err
		}
		w.Frozen, w.DroppedAt = frozen > 0, moment(droppedAt)
		for n := range strings.FieldsSeq(said) {
			update, err := strconv.Atoi(n)
			if err != nil {
				return err
			}
			w.Said = append(w.Said, update)
		}
		out, incidents = append(out, &w), append(incidents, incident)
		return nil
	})
	for k, w := range out {
		if err := loadWalk(ctx, q, w, incidents[k]); err != nil {
			return nil, err
		}
	}
	return out, err
}

// loadWalk adds the incident and the rounds.
func loadWalk(ctx context.Context, q querier, w *people.Walk, incident int64) error {
	i, err := incidentBy(ctx, q, `id = ?`, incident)
	if err != nil {
		return err
	}
	w.Incident = *i
	w.Said = slices.DeleteFunc(w.Said, func(n int) bool { return i.Update(n) == nil })
	rows, err := q.QueryContext(ctx, `SELECT `+roundColumns+` FROM walk_round WHERE walk = ? ORDER BY id`, w.ID)
	return each(rows, err, func() error {
		var r people.Round
		var began, speed, unpaid int64
		err := rows.Scan(&r.ID, &r.Kind, &r.Update, &r.Revision, &r.State, &r.Start, &r.Place, &r.Wrapped, &r.Span, &r.Passed, &r.Told, &r.Unsure, &r.Failed, &r.Again, &r.AskUnsure, &r.AskFailed, &r.Audience, &speed, &r.Budget, &unpaid, &began)
		r.Began, r.Speed, r.Unpaid = moment(began), float64(speed)/1000, float64(unpaid)/1000
		w.Rounds = append(w.Rounds, r)
		return err
	})
}

// OpenBatches loads what an earlier life left open. Its people have only their
// ids.
func (s *Store) OpenBatches(ctx context.Context, channel string) (out []*people.Batch, err error) {
	err = s.lookOnce(ctx, func(scan func(...any) error) error {
		var b people.Batch
		var planned []byte
		var at int64
		err := scan(&b.ID, &b.Walk, &b.Round, &b.Kind, &b.Update, &b.Revision, &b.Shows, &b.Lo, &b.Hi, &b.Wrapped, &b.Again, &b.Paid, &b.Journal, &planned, &at)
		if err != nil {
			return err
		}
		b.At = moment(at)
		out = append(out, &b)
		return b.Plan(planned)
	}, `SELECT walk_batch.id, walk, round, kind, n, revision, shows, lo, hi, wrapped, (SELECT again FROM walk_round WHERE walk_round.id = round), walk_batch.paid, journal, receipts, at
		FROM walk_batch JOIN walk ON walk.id = walk_batch.walk WHERE is_open = 1 AND channel = ? ORDER BY walk_batch.id`, channel)
	return out, err
}

// Rows loads what people between lo and hi were told of the walk's incident. No
// row is wider than its round's span, so only few are looked at.
func (s *Store) Rows(ctx context.Context, w *people.Walk, lo, hi int64) (out []people.Row, err error) {
	for _, r := range w.Rounds {
		err := s.lookOnce(ctx, func(scan func(...any) error) error {
			row, err := scanRow(scan)
			out = append(out, row)
			return err
		}, `SELECT `+rowColumns+` FROM walk_batch
			WHERE round = ? AND hi > ? AND hi < ? + (SELECT span FROM walk_round WHERE id = ?) AND lo < ? AND is_open = 0 ORDER BY hi`, r.ID, lo, hi, r.ID, hi)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

const rowColumns = `id, kind, n, revision, shows, showed, changed, lo, hi, at, receipts`

func scanRow(scan func(...any) error) (r people.Row, err error) {
	var at, changed int64
	err = scan(&r.ID, &r.Kind, &r.Update, &r.Revision, &r.Shows, &r.Showed, &changed, &r.Lo, &r.Hi, &at, &r.Receipts)
	r.At, r.Changed = moment(at), moment(changed)
	return r, err
}

// NextTold is after whom, at place or later, the next people begin who were
// told of the walk's incident. It returns false when there are none.
func (s *Store) NextTold(ctx context.Context, w *people.Walk, place int64) (next int64, ok bool, err error) {
	err = s.look(ctx, func(tx *tx) error {
		for _, r := range w.Rounds {
			first, told, err := nextTold(ctx, tx, r.ID, place)
			if err != nil {
				return err
			}
			if told && (!ok || first-1 < next) {
				next, ok = first-1, true
			}
		}
		return nil
	})
	return next, ok, err
}

// nextTold is the first after place whom a round told. Of the rows that end
// after place the first to end need not be the first to begin, but none is
// wider than the round's span.
func nextTold(ctx context.Context, tx *tx, round, place int64) (first int64, ok bool, err error) {
	for end := place; !ok; {
		var hi sql.NullInt64
		row := tx.QueryRowContext(ctx, `SELECT min(hi) FROM walk_batch WHERE round = ? AND hi > ? AND is_open = 0`, round, end)
		if err := row.Scan(&hi); err != nil || !hi.Valid {
			return 0, false, err
		}
		end = hi.Int64
		if first, ok, err = firstTold(ctx, tx, place, `round = ? AND hi = ? AND is_open = 0`, round, end); err != nil {
			return 0, false, err
		}
	}
	earlier, _, err := firstTold(ctx, tx, place, `round = ? AND hi > ? AND is_open = 0 AND lo < ? AND hi < ? + (SELECT span FROM walk_round WHERE id = ?)`,
		round, place, first, first, round)
	return earlier, ok, err
}

// firstTold is the first after place who was told in one of some rows.
func firstTold(ctx context.Context, tx *tx, place int64, where string, args ...any) (first int64, ok bool, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT receipts FROM walk_batch WHERE `+where, args...)
	err = each(rows, err, func() error {
		var receipts []byte
		if err := rows.Scan(&receipts); err != nil {
			return err
		}
		n, found, err := people.FirstReceipt(receipts, place)
		if found && (!ok || n < first) {
			first, ok = n, true
		}
		return err
	})
	return first, ok, err
}

// Outdated finds people whose message about an update does not show what it
// should, but not those of some rows; nil when there are none. A tombstone stays,
// also where nothing should be there.
func (s *Store) Outdated(ctx context.Context, walk int64, update, shows int, but []int64) (*people.Row, error) {
	var found *people.Row
	args := []any{walk, update, shows, people.ShowsTombstone, 0} // no row has the number 0
	for _, row := range but {
		args = append(args, row)
	}
	err := s.lookOnce(ctx, func(scan func(...any) error) error {
		r, err := scanRow(scan)
		found = &r
		return err
	}, `SELECT `+rowColumns+` FROM walk_batch WHERE id = (`+firstOutdated(1+len(but))+`)`, args...)
	return found, err
}

// firstOutdated finds the first of such rows, but for n of them, among those of its
// walk: asked for the least id PostgreSQL would rather go through all walks before.
func firstOutdated(n int) string {
	return `SELECT min(id + 0) FROM walk_batch WHERE walk = ? AND n = ? AND shows NOT IN (?, ?) AND is_open = 0 AND kind <> 'retraction' AND id NOT IN ` + tuple(n)
}

// Walk takes one step of an audience's walks. What ended is kept whatever else
// happens. What is to be opened is refused with ErrLost where the lease has run
// out, and with ErrChanged or ErrFrozen where the walk is no longer as it was
// loaded.
func (s *Store) Walk(ctx context.Context, lease broadcast.Lease, step people.Step) error {
	var refused error
	err := s.change(ctx, func(tx *tx) error {
		until, err := heldUntil(ctx, tx, lease)
		if err != nil {
			return err
		}
		for _, c := range step.Close {
			if err := s.closeBatch(ctx, tx, lease, c); err != nil {
				return err
			}
		}
		if err := s.still(ctx, tx, step.Still); err != nil || step.Walk == nil {
			return err
		}
		if refused = s.mayOpen(ctx, tx, until, step.Walk); refused != nil {
			if errors.Is(refused, broadcast.ErrLost) || errors.Is(refused, broadcast.ErrChanged) || errors.Is(refused, broadcast.ErrFrozen) {
				return nil
			}
			return refused
		}
		return s.openStep(ctx, tx, lease, step)
	})
	if err != nil {
		return err
	}
	return refused
}

// mayOpen is the fence before what is to be begun, with the end of the lease.
func (s *Store) mayOpen(ctx context.Context, tx *tx, until time.Time, w *people.Walk) error {
	now, err := s.clock(ctx, tx)
	if err != nil {
		return err
	}
	if !now.Before(until) {
		return broadcast.ErrLost
	}
	return walkUnchanged(ctx, tx, w)
}

func walkUnchanged(ctx context.Context, q querier, w *people.Walk) error {
	var version int64
	var frozen int
	row := q.QueryRowContext(ctx, `SELECT version, (SELECT count(*) FROM freeze WHERE scope IN `+scopesOf("walk")+`) FROM walk WHERE id = ?`, w.ID)
	switch err := row.Scan(&version, &frozen); {
	case err != nil:
		return err
	case version != w.Version:
		return broadcast.ErrChanged
	case frozen > 0:
		return broadcast.ErrFrozen
	}
	return nil
}

func (s *Store) openStep(ctx context.Context, q querier, lease broadcast.Lease, step people.Step) error {
	for _, r := range step.Rounds {
		if err := saveRound(ctx, q, s.now(), step.Walk.ID, r); err != nil {
			return err
		}
	}
	if step.Idle {
		_, err := q.ExecContext(ctx, `UPDATE walk SET idle = 1 WHERE id = ?`, step.Walk.ID)
		return err
	}
	b := step.Open
	switch {
	case b == nil:
		return nil
	case b.Row != 0:
		_, err := q.ExecContext(ctx, `UPDATE walk_batch SET showed = CASE WHEN shows = ? THEN showed ELSE shows END, shows = ? WHERE id = ?`, people.ShowsEither, people.ShowsEither, b.Row)
		return err
	}
	if b.Paid {
		if err := spend(ctx, q, b.Walk, len(b.People)); err != nil {
			return err
		}
	}
	row := q.QueryRowContext(ctx, `INSERT INTO walk_batch (walk, round, kind, n, revision, shows, lo, hi, wrapped, people, is_open, epoch, paid, journal, receipts, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?) RETURNING id`,
		b.Walk, b.Round, b.Kind, b.Update, b.Revision, b.Revision, b.Lo, b.Hi, flag(b.Wrapped), len(b.People), lease.Epoch, flag(b.Paid), b.Journal, b.Planned(), micros(b.At))
	return row.Scan(&b.ID)
}

// spend counts messages that may cost money, or, below zero, those that did not.
func spend(ctx context.Context, q querier, walk int64, messages int) error {
	_, err := q.ExecContext(ctx, `UPDATE walk SET paid = paid + ? WHERE id = ?`, messages, walk)
	return err
}

// saveRound stores where a round stands, but not what batches count. Its span
// only grows: rows that were put together are wider than any batch.
func saveRound(ctx context.Context, q querier, now time.Time, walk int64, r *people.Round) error {
	if r.ID == 0 {
		row := q.QueryRowContext(ctx, `INSERT INTO walk_round (walk, kind, n, revision, state, start, place, wrapped, span, passed, told, unsure, failed, audience, speed, began, changed, again)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, ?, 0, ?, ?, ?) RETURNING id`,
			walk, r.Kind, r.Update, r.Revision, r.State, r.Start, r.Place, flag(r.Wrapped), r.Span, r.Audience, micros(r.Began), micros(now), flag(r.Again))
		return row.Scan(&r.ID)
	}
	_, err := q.ExecContext(ctx, `UPDATE walk_round SET state = ?, place = ?, wrapped = ?, span = CASE WHEN span < ? THEN ? ELSE span END, audience = ?, speed = ?, budget = ?, unpaid = ?, changed = ? WHERE id = ?`,
		r.State, r.Place, flag(r.Wrapped), r.Span, r.Span, r.Audience, int64(r.Speed*1000), r.Budget, int64(r.Unpaid*1000), micros(now), r.ID)
	if err == nil && r.State != people.RoundOpen {
		err = endResends(ctx, q, now, r.ID)
	}
	return err
}

// still keeps that a walk's rounds have no speed, and nothing else of them.
func (s *Store) still(ctx context.Context, q querier, walk int64) error {
	if walk == 0 {
		return nil
	}
	_, err := q.ExecContext(ctx, `UPDATE walk_round SET speed = 0, changed = ? WHERE walk = ? AND state = ?`, micros(s.now()), walk, people.RoundOpen)
	return err
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
