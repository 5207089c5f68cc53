//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// privately lists what is shown in private on Discord and has these words in it.
func (s *server) privately(words string) (out []sim.Seen) {
	for _, m := range s.world.Discord.Seen() {
		if m.Ours && !m.Deleted && m.Place != discordDesk && m.Place != demoNews && strings.Contains(m.Text, words) {
			out = append(out, m)
		}
	}
	return out
}

// requests reports whether a node has made any with an account.
func (f *fleet) requests(n *node, account string) bool {
	f.t.Helper()
	at := f.url
	defer func() { f.url = at }()
	f.url = n.url
	return strings.Contains(f.get("/metrics"), `allclear_attempts_total{account="`+account+`"`)
}

// Reviewers are asked on Discord, and their previews kept current, by the node
// that holds the account there, although the draft is typed in a room of another
// node's; and when that node is dead, by the one that takes the account over.
func TestLettersBetweenNodes(t *testing.T) {
	t.Parallel()
	database := storetest.Postgres(t)
	world, change := withOperators(t)
	f := newFleetOf(newServerIn(t, world, change...), database, 2)
	holder := f.spread(f.nodes...)
	for holder["tg"] == holder["dc"] {
		f.start()
		holder = f.spread(f.nodes...)
	}
	rooms, dead := holder["tg"], holder["dc"]
	f.url = rooms.url
	f.answered(f.types("1003", "/incident critical login\nLogin is down", sim.Saying{}))
	f.until("Ana and Bo are asked on Discord", func() bool { return len(f.privately("D-1 → new incident")) == 2 })
	if f.requests(rooms, "dc") || !f.requests(dead, "dc") {
		t.Errorf("who holds the account has not sent it; the others: %v", f.requests(rooms, "dc"))
	}

	// A node that dies before it has stored what shows a draft cannot have that
	// kept current by another.
	f.until("it is stored where they were asked", func() bool {
		return queryInt(t, database, `SELECT count(*) FROM room_message WHERE account = 'dc' AND subject = 'D-1'`) == 2
	})

	dead.kill()
	f.answered(f.types("1003", "/incident critical withdrawals\nNobody can withdraw", sim.Saying{}))
	f.pressIn("1004", "1004", f.inPrivate("1004", "D-1 → new incident"), "Agree", 1)
	f.until("asked after a death", func() bool { return len(f.privately("D-2 → new incident")) == 2 })
	f.until("the previews show that Dee has agreed", func() bool { return len(f.privately("agreed Dee")) == 2 })
	if first, second := f.privately("D-1"), f.privately("D-2"); len(first) != 2 || len(second) != 2 {
		t.Errorf("asked %d and %d times", len(first), len(second))
	}
}
