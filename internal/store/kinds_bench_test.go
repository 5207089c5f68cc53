package store

import (
	"fmt"
	"testing"

	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// BenchmarkNextConcerned asks for the one person whom an incident concerns, who
// came last of a million that chose in very many ways. On PostgreSQL with
// ALLCLEAR_TEST_STORE=postgres.
//
//	ms-first  of a store that was just opened
func BenchmarkNextConcerned(b *testing.B) {
	for _, kinds := range []int{100, 50_000, 100_000} {
		b.Run(fmt.Sprintf("kinds=%d", kinds), func(b *testing.B) {
			url := storetest.URL(b)
			last := manyKinds(b, url, 1_000_000, kinds)
			s, err := Open(b.Context(), url)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			deposits := &incident.Incident{Impact: incident.Critical, Components: map[string]incident.ComponentState{"deposits": incident.MajorOutage}}
			ask := func() {
				next, ok, err := s.NextConcerned(b.Context(), "tg", 0, func(p *people.Subscriber) bool { return p.Concerned(deposits) })
				if next != last-1 || !ok || err != nil {
					b.Fatal(next, ok, err)
				}
			}
			began := s.now()
			ask()
			first := s.now().Sub(began)
			for b.Loop() {
				ask()
			}
			b.ReportMetric(first.Seconds()*1e3, "ms-first")
		})
	}
}

// manyKinds puts people of so many kinds into a store, and one who follows
// deposits after them. It returns his id.
func manyKinds(b *testing.B, url string, people, kinds int) (last int64) {
	b.Helper()
	s, err := Open(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	components := "' '"
	for bit := range 14 {
		components += fmt.Sprintf(" || CASE WHEN kind / %d %% 2 = 1 THEN 'service-%d ' ELSE '' END", 8<<bit, bit)
	}
	err = s.writer.do(b.Context(), func(tx *tx) error {
		if err := tx.takeTime(b.Context(), 0); err != nil {
			return err
		}
		if err := tx.run(b.Context(), fmt.Sprintf(`INSERT INTO subscriber (bot, chat, language, impact, components, incidents, state, changed)
			WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < %d)
			SELECT 'tg', k, CASE WHEN kind %% 2 = 0 THEN 'en' ELSE 'zh-Hans' END, kind / 2 %% 4, %s, '', 0, 0
			FROM (SELECT k, CAST(k AS BIGINT) * 7919 %% %d AS kind FROM n) AS who`, people, components, kinds)); err != nil {
			return err
		}
		if err := tx.run(b.Context(), `INSERT INTO subscriber (bot, chat, language, impact, components, incidents, state, changed)
			VALUES ('tg', 0, 'en', 0, ' deposits ', '', 0, 0)`); err != nil {
			return err
		}
		return tx.QueryRowContext(b.Context(), `SELECT max(id) FROM subscriber`).Scan(&last)
	})
	if err != nil {
		b.Fatal(err)
	}
	return last
}
