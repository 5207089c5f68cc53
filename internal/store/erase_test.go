package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// everything is all that the tables hold, as text.
func (s *Store) everything(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, table := range s.tables(t) {
		rows, err := s.read.QueryContext(t.Context(), `SELECT * FROM `+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		err = each(rows, nil, func() error {
			err := rows.Scan(values...)
			for _, v := range values {
				switch v := (*v.(*any)).(type) {
				case []byte:
					fmt.Fprintf(&all, "%s ", v)
				default:
					fmt.Fprintf(&all, "%v ", v)
				}
			}
			all.WriteString("\n" + table + ": ")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// tables are all that there are in the database.
func (s *Store) tables(t *testing.T) []string {
	t.Helper()
	names, err := storetest.Tables(t.Context(), s.read.DB)
	if err != nil || len(names) < 10 {
		t.Fatalf("tables %v, %v", names, err)
	}
	return names
}

// TestErase checks that nothing in the store names a person who had his data
// deleted, also one who had not subscribed, and nobody else loses any.
func TestErase(t *testing.T) {
	const person, other = 7_314_159_265, 73_141_592_651 // one begins the other
	for name, subscribed := range map[string]bool{"a subscriber": true, "an operator who is none": false} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			for _, chat := range []int64{person, other} {
				if subscribed {
					s.mustPut(t, people.Subscriber{Chat: chat, Language: "en", Impact: incident.Minor, All: true})
				}
				s.mustName(t, fmt.Sprint(chat))
			}
			s.mustExcept(t, person, other)
			testErase(t, s, person, other)
		})
	}
}

// mustName has the store name a chat wherever rooms do.
func (s *Store) mustName(t *testing.T, chat string) {
	t.Helper()
	err := errors.Join(s.Remember(t.Context(), desk.RoomMessage{Account: "tg", Chat: chat, Message: "5"}, "D-17"),
		s.SetCard(t.Context(), "INC-1", "tg", chat, "6", "{}"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Change(t.Context(), "tg:"+chat+"/7", func(tx desk.Tx) ([]byte, error) {
		return []byte("{}"), errors.Join(tx.Write(desk.Letter{Account: "tg", Room: chat}),
			tx.Ask(&desk.Question{Key: "tg:" + chat + "/7"}),
			tx.Hear(heardOf(t, bots.Event{Kind: bots.Said, Key: chat + "/7", Chat: chat, Person: chat, Private: true})),
			tx.Hear(heardOf(t, bots.Event{Kind: bots.Pressed, Key: "press/99" + chat[1:], Chat: chat, Person: chat, Private: true})))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// heardOf is an event as it is stored until it is answered.
func heardOf(t *testing.T, ev bots.Event) desk.Heard {
	t.Helper()
	event, err := json.Marshal(ev)
	if err != nil {
		t.Fatal(err)
	}
	return desk.Heard{Account: "tg", Key: ev.Key, Event: event}
}

func testErase(t *testing.T, s *Store, person, other int64) {
	const traces = 13 // of each, at least
	before := s.everything(t)
	if n := strings.Count(before, fmt.Sprint(person)); n < traces {
		t.Fatalf("only %d traces to begin with:\n%s", n, before)
	}
	err := s.ChangeSubscribers(t.Context(), "tg", "", []int64{person}, func(people.Subscriber) *people.Subscriber { return nil })
	if err != nil {
		t.Fatal(err)
	}
	after := strings.ReplaceAll(s.everything(t), fmt.Sprint(other), "OTHER")
	if strings.Contains(after, fmt.Sprint(person)) {
		t.Errorf("the store still names the person:\n%s", after)
	}
	if n := strings.Count(after, "OTHER"); n < traces {
		t.Errorf("of the other person only %d traces are left:\n%s", n, after)
	}
	var resent int
	row := s.read.QueryRowContext(t.Context(), `SELECT count(*) FROM walk_resend WHERE subscriber NOT IN (SELECT id FROM subscriber)`)
	if err := row.Scan(&resent); err != nil || resent > 0 {
		t.Errorf("%d people are known to have been sent something again who are erased, %v", resent, err)
	}
}

// mustExcept has a walk remember that it is not known whether some chats were
// told, with a detail that names them.
func (s *Store) mustExcept(t *testing.T, chats ...int64) {
	t.Helper()
	err := s.change(t.Context(), func(tx *tx) error {
		for _, statement := range []string{
			`INSERT INTO incident (id, prefix, number, kind, drill, title, impact, status, components, created_at, resolved_at, next_update, begins, ends)
				VALUES (1, 'INC', 1, 'outage', 0, '', 'major', 'investigating', '{}', 0, 0, 0, 0, 0)`,
			`INSERT INTO walk (id, incident, channel, account, version, idle, said, dropped, paid) VALUES (1, 1, 'people', 'tg', 1, 1, ' 1 ', 0, 0)`,
			`INSERT INTO walk_round (walk, kind, n, revision, state, start, place, wrapped, span, passed, told, unsure, failed, ask_unsure, audience, speed, began, changed)
				VALUES (1, 'post', 1, 0, 'done', 0, 9, 1, 9, 2, 0, 2, 0, 2, 2, 0, 0, 0)`,
		} {
			if _, err := tx.ExecContext(t.Context(), statement); err != nil {
				return err
			}
		}
		for _, chat := range chats {
			_, err := tx.ExecContext(t.Context(), `INSERT INTO walk_exception (round, subscriber, kind, detail, at)
				SELECT 1, id, 'unsure', ?, 0 FROM subscriber WHERE chat = ?`, fmt.Sprint("no answer about ", chat), chat)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(t.Context(), `INSERT INTO walk_resend (round, subscriber, times) SELECT 1, id, 1 FROM subscriber WHERE chat = ?`, chat); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestErasedBytes checks that not even the file holds what was erased.
func TestErasedBytes(t *testing.T) {
	const person = 0x1A2B3C4D5E
	file := filepath.Join(t.TempDir(), "allclear.db")
	s, err := Open(t.Context(), "sqlite:"+file)
	if err != nil {
		t.Fatal(err)
	}
	s.mustPut(t, people.Subscriber{Chat: person, Language: "en", Impact: incident.Minor, All: true})
	needle := binary.BigEndian.AppendUint64(nil, person)[3:]
	inFile := func() bool {
		if err := s.Close(); err != nil { // which empties the log of changes into the file
			t.Fatal(err)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(b, needle) || bytes.Contains(b, []byte(fmt.Sprint(person)))
	}
	if !inFile() {
		t.Fatal("the file does not show that the person subscribed: this test finds nothing")
	}
	if s, err = Open(t.Context(), "sqlite:"+file); err != nil {
		t.Fatal(err)
	}
	err = s.ChangeSubscribers(t.Context(), "tg", "", []int64{person}, func(people.Subscriber) *people.Subscriber { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if inFile() {
		t.Error("the file still holds the number of the person")
	}
}

// TestABackupHasNothingErased checks that a copy of the store has nobody who was
// erased before. In the file itself SQLite leaves a copy of a few: where a row
// had to make room and moved to another page, what it was stays in free space.
func TestABackupHasNothingErased(t *testing.T) {
	if storetest.IsPostgres() {
		t.Skip("it is about a file")
	}
	dir := t.TempDir()
	file, backup := filepath.Join(dir, "allclear.db"), filepath.Join(dir, "backup.db")
	s := mustOpenURL(t, "sqlite:"+file)
	draw := rand.New(rand.NewPCG(1, 2))
	chats := make([]int64, 4000)
	for i := range chats {
		chats[i] = 1<<33 + draw.Int64N(1<<38) // in no order, as people come
	}
	for part := range slices.Chunk(chats, 250) {
		if _, err := s.ImportSubscribers(t.Context(), "tg", subscribersOfAll(part)); err != nil {
			t.Fatal(err)
		}
	}
	gone := chats[:400]
	err := s.ChangeSubscribers(t.Context(), "tg", "", chats[:1000], func(was people.Subscriber) *people.Subscriber {
		was.Impact = incident.Impacts[draw.IntN(len(incident.Impacts))]
		return &was
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ChangeSubscribers(t.Context(), "tg", "", gone, func(people.Subscriber) *people.Subscriber { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), "sqlite:"+file, backup, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for where, number := range numbers {
		if n := found(t, file, gone, number); n > len(gone)/20 {
			t.Errorf("of %d people who were erased the file has %d in %s", len(gone), n, where)
		}
		if n := found(t, backup, gone, number); n > 0 {
			t.Errorf("of %d people who were erased the backup has %d in %s", len(gone), n, where)
		}
		if n := found(t, backup, chats, number); n != len(chats)-len(gone) {
			t.Errorf("the backup has %d people in %s, want %d", n, where, len(chats)-len(gone))
		}
	}
}

// numbers are how the number of a chat stands in a file of SQLite.
var numbers = map[string]func(chat int64) []byte{
	"rows and indexes":         func(chat int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(chat))[2:] },
	"the lines of subscribers": func(chat int64) []byte { return strconv.AppendInt(nil, chat, 10) },
}

func subscribersOfAll(chats []int64) (all []people.Subscriber) {
	for _, chat := range chats {
		all = append(all, people.Subscriber{Chat: chat, Language: "en", Impact: incident.Minor, All: true})
	}
	return all
}

// found counts the chats whose numbers a file of SQLite holds.
func found(t *testing.T, file string, chats []int64, number func(chat int64) []byte) (n int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, chat := range chats {
		if bytes.Contains(b, number(chat)) {
			n++
		}
	}
	return n
}

// TestForgetSubscribers checks that who left long ago is erased, and nobody
// else.
func TestForgetSubscribers(t *testing.T) {
	s := newStore(t)
	now := time.Unix(1_800_000_000, 0)
	s.now = func() time.Time { return now }
	for i, state := range []people.State{people.Active, people.Stopped, people.Blocked, people.Gone} {
		s.mustPut(t, people.Subscriber{Chat: int64(i + 1), Language: "en", Impact: incident.Minor, All: true, State: state})
	}
	for _, tt := range []struct{ days, want int }{{-1, 0}, {1, 2}, {2, 0}} {
		if n, err := s.ForgetSubscribers(t.Context(), "tg", now.AddDate(0, 0, tt.days)); n != tt.want || err != nil {
			t.Errorf("%d are forgotten, %v, want %d", n, err, tt.want)
		}
	}
	all := s.mustSubscribers(t, "tg")
	if len(all) != 2 || all[0].State != people.Active || all[1].State != people.Stopped {
		t.Errorf("left: %+v", all)
	}
}
