package store

import (
	"context"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
)

// Claim implements [broadcast.Store].
func (s *Store) Claim(ctx context.Context, account string, ttl time.Duration) (broadcast.Lease, bool, error) {
	lease := broadcast.Lease{Account: account}
	var got choice
	err := s.change(ctx, func(tx *tx) error {
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		m := moments{now: now, ttl: ttl}
		others, err := s.gather(ctx, tx, m)
		if err != nil {
			return err
		}
		leases, err := leaseRows(ctx, tx)
		if err != nil {
			return err
		}
		got = m.choose(account, s.node, leases, others)
		l := leases[account]
		lease.Epoch = l.epoch
		if got == refused {
			return nil
		}
		if l.owner != s.node {
			lease.Epoch++
		}
		if got == taken {
			if len(others) > 0 && now.Sub(l.expires) > ttl/2 {
				l.stays = now.Add(stay)
			}
			l.freed = l.expires
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO lease (account, owner, epoch, expires, leaving, stays, freed) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (account) DO UPDATE SET owner = excluded.owner, epoch = excluded.epoch, expires = excluded.expires, leaving = excluded.leaving,
				stays = excluded.stays, freed = excluded.freed`,
			account, s.node, lease.Epoch, micros(now.Add(ttl)), got == handing, micros(l.stays), micros(l.freed))
		return err
	})
	if err == nil && got == handing {
		err = broadcast.ErrHandOver
	}
	return lease, got != refused && err == nil, err
}

// gather gives a sign of this node's life and lists the other nodes that gave
// theirs lately.
func (s *Store) gather(ctx context.Context, q querier, m moments) (others []string, err error) {
	var mine int64
	rows, err := q.QueryContext(ctx, `SELECT name, seen FROM node WHERE seen > ? ORDER BY name`, micros(m.fresh()))
	err = each(rows, err, func() error {
		var name string
		var seen int64
		err := rows.Scan(&name, &seen)
		if name == s.node {
			mine = seen
			return err
		}
		others = append(others, name)
		return err
	})
	if err != nil || m.now.Sub(moment(mine)) < m.ttl/5 && !moment(mine).After(m.now) {
		return others, err
	}
	_, err = q.ExecContext(ctx, `INSERT INTO node (name, seen) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seen = excluded.seen`, s.node, micros(m.now))
	if err == nil {
		_, err = q.ExecContext(ctx, `DELETE FROM node WHERE seen < ? OR seen > ?`, micros(m.now.Add(-time.Hour)), micros(m.now.Add(time.Hour)))
	}
	return others, err
}

func leaseRows(ctx context.Context, q querier) (map[string]leaseRow, error) {
	out := map[string]leaseRow{}
	rows, err := q.QueryContext(ctx, `SELECT account, owner, epoch, expires, leaving, stays, freed FROM lease`)
	return out, each(rows, err, func() error {
		var account string
		var l leaseRow
		var expires, stays, freed int64
		err := rows.Scan(&account, &l.owner, &l.epoch, &expires, &l.leaving, &stays, &freed)
		l.expires, l.stays, l.freed = moment(expires), moment(stays), moment(freed)
		out[account] = l
		return err
	})
}

// Vacant is how long ago the right of whoever held an account before ended: he
// cannot have used it since. It is not known of who worked on a file.
func (s *Store) Vacant(ctx context.Context, account string) (ago time.Duration, known bool, err error) {
	err = s.look(ctx, func(tx *tx) error {
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		leases, err := leaseRows(ctx, tx)
		if freed := leases[account].freed; !freed.IsZero() {
			ago, known = max(0, now.Sub(freed)), true
		}
		return err
	})
	return ago, known, err
}

// Release implements [broadcast.Store].
func (s *Store) Release(ctx context.Context, l broadcast.Lease) error {
	return s.change(ctx, func(tx *tx) error {
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE lease SET owner = '', expires = ?, epoch = epoch + 1, leaving = 0 WHERE account = ? AND epoch = ?`, micros(now), l.Account, l.Epoch)
		return err
	})
}

// leave has the accounts that this node held go to others at once.
func (s *Store) leave(ctx context.Context) error {
	return s.change(ctx, func(tx *tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM node WHERE name = ?`, s.node)
		return err
	})
}

// Held lists the accounts that some node holds now.
func (s *Store) Held(ctx context.Context) (accounts []string, err error) {
	err = s.look(ctx, func(tx *tx) error {
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		leases, err := leaseRows(ctx, tx)
		for account, l := range leases {
			if l.owner != "" && l.expires.After(now) {
				accounts = append(accounts, account)
			}
		}
		slices.Sort(accounts)
		return err
	})
	return accounts, err
}

// Ahead is how far this machine's clock is ahead of the one that all nodes go
// by; negative when it is behind. With a file there is only one clock.
func (s *Store) Ahead(ctx context.Context) (ahead time.Duration, err error) {
	if !s.Shared() {
		return 0, nil
	}
	err = s.look(ctx, func(tx *tx) error {
		asked := s.now()
		there, err := s.clock(ctx, tx)
		ahead = asked.Add(s.now().Sub(asked) / 2).Sub(there)
		return err
	})
	return ahead, err
}
