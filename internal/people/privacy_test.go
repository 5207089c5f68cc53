package people_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/bots/telegram"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// What can be found of somebody whose data is to be deleted.
const (
	zora    = "7314159265"
	zoraRow = 1_234_567 // the number of her row
)

// zoraSays are words that tell who she is, or that she typed.
var zoraSays = []string{"Zora", "Quill", "zora_quill", "peculiar", zora}

// What is left once somebody had her data deleted is the number that her row had,
// which is nobody's now: in receipts, and where a stretch of people ends. That is
// searched for in all tables that there are, in all files and in the log.
func TestNothingIsLeftOfWhoIsErased(t *testing.T) {
	for name, url := range map[string]func(*testing.T) string{
		"in a file":     func(*testing.T) string { return "" },
		"in PostgreSQL": func(t *testing.T) string { return storetest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quick)
			w.url = url(t)
			testErased(t, w)
		})
	}
}

func testErased(t *testing.T, w *world) {
	town, bot := w.simulated()
	w.start()
	town.store = w.store
	town.settle(bot, w.walker)
	stop := town.listen(bot)
	town.says(longer, "/start")
	w.numberNext(zoraRow)
	town.zoraJoins()
	town.says("2002", "/start")
	for k, words := range []string{"One.", "Two.", "Three.", "Four."} {
		if k == 0 {
			w.publish(words, incident.Major)
		} else {
			w.update("INC-1", words, "")
		}
		w.idle()
	}
	w.wantLeft("subscriber.chat", w.columns(func(v any) bool { return fmt.Sprint(v) == zora }))
	w.wantLeft("subscriber.id walk_batch.receipts walk_exception.subscriber", w.rowNumbers())
	if n := w.rowsIn("walk_exception"); n != 2 {
		t.Errorf("%d messages did not surely reach her, want one unsure and one refused", n)
	}
	if w.url == "" && len(w.files(zoraBytes()...)) == 0 {
		t.Fatal("no file shows that she subscribed: this test finds nothing")
	}

	m := town.presses(zora, town.says(zora, "/settings"), "Delete my data")
	town.presses(zora, m, "Yes, delete it")
	w.wantLeft("", w.columns(func(v any) bool {
		return slices.ContainsFunc(zoraSays, func(word string) bool { return hasWord(v, word) })
	}))
	w.wantLeft("walk_batch.receipts", w.rowNumbers())
	stop()
	w.halt()
	if found := w.files(append(zoraBytes(), []byte("Zora"), []byte("Quill"), []byte("zora_quill"), []byte("peculiar"))...); len(found) > 0 {
		t.Errorf("found in files: %q", found)
	}
	for _, word := range zoraSays {
		if strings.Contains(town.log.String(), word) {
			t.Errorf("the log says %q:\n%s", word, town.log)
		}
	}

	w.start()
	town.store = w.store
	town.settle(bot, w.walker)
	stop = town.listen(bot)
	defer stop()
	town.says(zora, "/start")
	again, _ := town.subscriber(7_314_159_265)
	if again.ID <= zoraRow || !again.All || again.Impact != incident.ImpactNone || len(again.Incidents) > 0 {
		t.Errorf("who comes back is somebody new: %+v", again)
	}
}

// dying is a store whose process ends before somebody is erased.
type dying struct {
	people.Store
	died chan struct{}
}

func (d *dying) ChangeSubscribers(context.Context, string, string, []int64, func(people.Subscriber) *people.Subscriber) error {
	select {
	case <-d.died:
	default:
		close(d.died)
	}
	return errors.New("the process ends here")
}

// Who presses that all is deleted, and whose server dies before it is, presses no
// second time.
func TestAPressIsNotLost(t *testing.T) {
	w := newTownAt(t, 0)
	bot := w.audience.Bot.(*telegram.Bot) //nolint:forcetypeassert // newTownAt made it
	stop := w.listen(bot)
	w.says("2001", "/start")
	m := w.presses("2001", w.says("2001", "/settings"), "Delete my data")
	stop()
	d := &dying{w.store, make(chan struct{})}
	w.audience.Store = d
	stop = w.listen(bot)
	if _, err := w.sim.Press("2001", m.ID, "2001", "me:erase!"); err != nil {
		t.Fatal(err)
	}
	<-d.died
	stop()
	if _, kept := w.subscriber(2001); !kept {
		t.Fatal("erased by a process that died before")
	}
	w.audience.Store = w.store
	stop = w.listen(bot)
	w.until("she is erased", func() bool { _, kept := w.subscriber(2001); return !kept })
	stop()
}

// simulated has a world write to the people of a town, of whom one is not told
// "Two." surely, and "Three." not at all.
func (w *world) simulated() (*town, *telegram.Bot) {
	w.t.Helper()
	toZora := regexp.MustCompile(`\b` + zora + `\b`)
	return w.simulatedWith(func(_ *town, said []byte) string {
		for words, refused := range map[string]string{"Two.": noAnswer, "Three.": refusal} {
			if toZora.Match(said) && bytes.Contains(said, []byte(words)) {
				return refused
			}
		}
		return ""
	})
}

// simulatedWith has a world write to the people of a town. What it says is shown
// to a function before, which may answer in its place.
func (w *world) simulatedWith(says func(town *town, said []byte) (refusal string)) (*town, *telegram.Bot) {
	w.t.Helper()
	town := &town{TB: w.t, sim: sim.NewTelegram(), log: new(logged)}
	town.incidents.Store(new([]*incident.Incident))
	town.sim.AddBot("42:secret", "example_bot")
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if strings.HasSuffix(r.URL.Path, "/sendMessage") {
			if refused := says(town, body); refused != "" {
				answerWith(rw, refused)
				return
			}
		}
		town.sim.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(server.Close)
	w.api, w.log = server.URL, town.log
	bot, err := telegram.New(telegram.Config{Name: "tg", Token: "42:secret", APIURL: server.URL, Rate: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return town, bot
}

// zoraJoins has somebody subscribe, choose and talk, in private and in a group of
// which she is an administrator.
func (w *town) zoraJoins() {
	w.Helper()
	w.person(zora, "en-GB")
	for _, text := range []string{"/start", "/start INC-1", "/verify a very peculiar rumour", "my peculiar secret", "/status"} {
		w.says(zora, text)
	}
	m := w.presses(zora, w.says(zora, "/settings"), "Services")
	w.presses(zora, m, "✓ Deposits")
	if _, err := w.sim.AddChat(sim.TelegramChat{ID: group, Type: "supergroup", Admins: []string{zora}, Bot: sim.Membership{Status: "member"}}); err != nil {
		w.Fatal(err)
	}
	w.saysIn(group, zora, "/subscribe", sim.Saying{})
	w.presses(zora, w.saysIn(group, zora, "/settings", sim.Saying{}), "Severity")
}

// longer is the number of somebody else, which hers begins.
const longer = zora + "1"

// zoraBytes are the forms in which a number may be in a file.
func zoraBytes() [][]byte {
	n, _ := strconv.ParseUint(zora, 10, 64)
	return [][]byte{
		[]byte(zora),
		binary.BigEndian.AppendUint64(nil, n)[3:],
		binary.LittleEndian.AppendUint64(nil, n)[:5],
		binary.AppendUvarint(nil, n),
		binary.AppendVarint(nil, int64(n)),
	}
}

// files lists those of a world that hold one of some words.
func (w *world) files(words ...[]byte) (found []string) {
	w.t.Helper()
	dir := filepath.Dir(w.file)
	all, err := os.ReadDir(dir)
	if err != nil || len(all) == 0 {
		w.t.Fatalf("files %v, %v", all, err)
	}
	for _, f := range all {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			w.t.Fatal(err)
		}
		b = bytes.ReplaceAll(b, []byte(longer), nil)
		for _, word := range words {
			if bytes.Contains(b, word) {
				found = append(found, fmt.Sprintf("%s: %q", f.Name(), word))
			}
		}
	}
	return found
}

// db opens the database beside the program.
func (w *world) db() *sql.DB {
	w.t.Helper()
	driver, source := "sqlite", w.file+"?_pragma=busy_timeout(30000)"
	if w.url != "" {
		driver, source = "pgx", w.url
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		w.t.Fatal(err)
	}
	return db
}

// numberNext has the next subscriber get a number.
func (w *world) numberNext(id int64) {
	w.t.Helper()
	query := fmt.Sprintf(`UPDATE sqlite_sequence SET seq = %d WHERE name = 'subscriber'`, id-1)
	if w.url != "" {
		query = fmt.Sprintf(`ALTER TABLE subscriber ALTER COLUMN id RESTART WITH %d`, id)
	}
	db := w.db()
	defer db.Close()
	if _, err := db.ExecContext(w.t.Context(), query); err != nil {
		w.t.Fatal(err)
	}
}

// columns lists, as table.column, where something is found in the database.
func (w *world) columns(found func(v any) bool) (out []string) {
	w.t.Helper()
	db := w.db()
	defer db.Close()
	tables, err := storetest.Tables(context.Background(), db)
	if err != nil || len(tables) < 10 {
		w.t.Fatalf("tables %v, %v", tables, err)
	}
	for _, table := range tables {
		rows, err := db.QueryContext(context.Background(), `SELECT * FROM "`+table+`"`)
		if err != nil {
			w.t.Fatal(err)
		}
		names, err := rows.Columns()
		if err != nil {
			w.t.Fatal(err)
		}
		values := make([]any, len(names))
		for k := range values {
			values[k] = new(any)
		}
		for rows.Next() {
			if err := rows.Scan(values...); err != nil {
				w.t.Fatal(err)
			}
			for k, name := range names {
				if v, _ := values[k].(*any); found(*v) {
					out = append(out, table+"."+name)
				}
			}
		}
		if err := rows.Err(); err != nil {
			w.t.Fatal(err)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// rowNumbers lists where the number of her row is. That a stretch of people ends
// with it, or begins after it, says nothing of her.
func (w *world) rowNumbers() []string {
	w.t.Helper()
	found := w.columns(func(v any) bool {
		if packed, ok := v.([]byte); ok {
			first, ok, err := people.FirstReceipt(packed, zoraRow-1)
			return err == nil && ok && first == zoraRow
		}
		return hasWord(v, fmt.Sprint(zoraRow))
	})
	ends := []string{"walk_batch.lo", "walk_batch.hi", "walk_round.place", "walk_round.start"}
	return slices.DeleteFunc(found, func(column string) bool { return slices.Contains(ends, column) })
}

// hasWord reports whether a value of a column has a word in it; a number has to be
// the whole of it.
func hasWord(v any, word string) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, word)
	case []byte:
		return bytes.Contains(v, []byte(word))
	}
	return fmt.Sprint(v) == word
}

func (w *world) wantLeft(want string, found []string) {
	w.t.Helper()
	if got := strings.Join(found, " "); got != want {
		w.t.Errorf("found in %q, want %q", got, want)
	}
}
