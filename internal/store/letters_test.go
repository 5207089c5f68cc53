package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
)

// aLetter is one to Bo about D-1, on an account.
func aLetter(account string) desk.Letter {
	return desk.Letter{Account: account, Operator: "Bo", Draft: "D-1", Buttons: [][]bots.Button{{{Text: "Agree", Data: "pub:D-1:"}}}, Until: noon.Add(time.Hour)}
}

// letters are those to an account, without their ids.
func (s *Store) letters(t *testing.T, account string) []desk.Letter {
	t.Helper()
	all, err := s.Letters(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	for k := range all {
		all[k].ID = 0
	}
	return all
}

func TestLettersAreKeptUntilTheyAreSent(t *testing.T) {
	s := newStore(t)
	start, err := s.News(t.Context(), -1)
	if err != nil {
		t.Fatal(err)
	}
	second := desk.Letter{Account: "dc", Room: "-100", Text: "登录", Until: noon.Add(time.Minute)}
	s.mustChange(t, func(tx desk.Tx) error {
		err := errors.Join(tx.Write(aLetter("dc")), tx.Write(aLetter("tg")), tx.Write(second))
		if lanes, woken := tx.Touched()["dc"]; !woken || len(lanes) != 0 {
			t.Errorf("touched %v", tx.Touched())
		}
		return err
	})
	if diff := cmp.Diff([]desk.Letter{aLetter("dc"), second}, s.letters(t, "dc")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	news, err := s.News(t.Context(), start.Last)
	slices.Sort(news.Letters)
	if err != nil || !slices.Equal(news.Letters, []string{"dc", "tg"}) {
		t.Errorf("news of %q, %v", news.Letters, err)
	}
	all, err := s.Letters(t.Context(), "dc")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.EndLetter(t.Context(), all[0].ID, "D-1", desk.RoomMessage{Account: "dc", Chat: "9", Message: "5"}); err != nil {
		t.Fatal(err)
	}
	if err := s.EndLetter(t.Context(), all[1].ID, "", desk.RoomMessage{}); err != nil {
		t.Fatal(err)
	}
	if n := len(s.letters(t, "dc")); n != 0 || len(s.letters(t, "tg")) != 1 {
		t.Errorf("%d are left", n)
	}
	if shows, err := s.Messages(t.Context(), "D-1"); err != nil || len(shows) != 1 || shows[0] != (desk.RoomMessage{Account: "dc", Chat: "9", Message: "5"}) {
		t.Errorf("remembered %+v, %v", shows, err)
	}
	s.mustChange(t, func(tx desk.Tx) error { // where it shows, and where it is going to
		if got, err := tx.Showing("D-1"); err != nil || !slices.Equal(got, []string{"dc", "tg"}) {
			t.Errorf("D-1 shows on %q, %v", got, err)
		}
		if got, err := tx.Showing("D-2"); err != nil || len(got) != 0 {
			t.Errorf("D-2 shows on %q, %v", got, err)
		}
		return nil
	})
}

// Only who holds the account begins a letter, as often as it may be sent.
func TestLettersBegin(t *testing.T) {
	s := newStore(t)
	s.mustChange(t, func(tx desk.Tx) error { return tx.Write(aLetter("dc")) })
	all, err := s.Letters(t.Context(), "dc")
	if err != nil {
		t.Fatal(err)
	}
	lease, id := s.mustClaim(t, "dc"), all[0].ID
	begins := func(want bool) {
		t.Helper()
		if ok, err := s.BeginLetter(t.Context(), lease, id); ok != want || err != nil {
			t.Errorf("begun %v, %v, want %v", ok, err, want)
		}
	}
	for range 3 { // nothing was sent
		begins(true)
		if err := s.SpareLetter(t.Context(), lease, id); err != nil {
			t.Fatal(err)
		}
	}
	before := lease
	before.Epoch--
	if _, err := s.BeginLetter(t.Context(), before, id); !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("who had the account before is told %v", err)
	}
	if err := s.SpareLetter(t.Context(), before, id); !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("who had the account before is told %v", err)
	}
	begins(true)
	begins(true)
	begins(false)
}

func TestLettersAreBounded(t *testing.T) {
	s := newStore(t)
	s.mustChange(t, func(tx desk.Tx) error {
		for k := range mostLetters + 10 {
			l := aLetter("dc")
			l.Text = fmt.Sprint(k)
			if err := tx.Write(l); err != nil {
				return err
			}
		}
		return nil
	})
	if got := s.letters(t, "dc"); len(got) != mostLetters || got[0].Text != "10" {
		t.Errorf("%d are kept, from %q on", len(got), got[0].Text)
	}
}

func TestOnceUnderAName(t *testing.T) {
	s := newStore(t)
	for _, tt := range []struct {
		what string
		want bool
	}{{"12:00", true}, {"12:00", false}, {"12:30", true}, {"12:30", false}} {
		s.mustChange(t, func(tx desk.Tx) error {
			if first, err := tx.Once("reminded:INC-1:due", tt.what); first != tt.want || err != nil {
				t.Errorf("%s: %v, %v", tt.what, first, err)
			}
			return nil
		})
	}
}
