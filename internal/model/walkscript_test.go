package model

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
)

// TestWalkScripts plays scripts in which subscribers are told.
func TestWalkScripts(t *testing.T) { newStage(t, files(t), drawWalk).playAll(t) }

// TestWalkScriptsOnPostgres plays the same there.
func TestWalkScriptsOnPostgres(t *testing.T) { newStage(t, schemas(t), drawWalk).playAll(t) }

// The points at which a process dies while it writes to subscribers.
var walkPoints = []string{"before step", "after step", "before mark", "arrived", "carried out", "before hearing", "after hearing"}

// walkRequests are what faults can meet on the way to them.
var walkRequests = []string{"sendMessage", "sendMessage", "sendMessage", "editMessageText", "deleteMessage", "getUpdates", ""}

// drawWalk makes a script from a seed that is about subscribers.
func drawWalk(seed uint64) script {
	d := drawer{Rand: rand.New(rand.NewPCG(seed, 1))}
	d.deeds = some(d, "update", "update", "update", "resolve", "correct", "correct", "typo", "retract", "remove", "open", "retry", "skip", "freeze", "thaw",
		"start", "follow", "leave", "settings", "press", "block", "invite", "move")
	d.troubles = some(d, "fault", "fault", "fault", "crash", "crash", "crash", "halt", "stop", "join", "join", "steal", "forget", "missing", "missing", "away", "lag", "copy", "restore")
	d.kinds = some(d, "status", "status", "html", "accept", "cut", "cut", "cut-after", "cut-after", "truncate", "slow", "", "body")
	d.statuses = some(d, http.StatusTooManyRequests, http.StatusTooManyRequests, http.StatusBadRequest, http.StatusForbidden, http.StatusInternalServerError)
	s := script{Channels: []string{audience}, Unsure: "ask", People: pick(d, "assume", "assume", "resend", "ask"), EditOnly: d.IntN(6) == 0}
	if d.IntN(4) == 0 {
		s.Channels = append(s.Channels, pick(d, "tg", "x"))
	}
	s.Crowd = pick(d, 1, 2, 5, 9, 20, 30)
	s.Lease = pick(d, 0, 0, longLease)
	s.Acts = append(s.Acts, act{After: 3 * duration(time.Second), Do: "open"})
	trouble := pick(d, 1, 3, 6)
	for range 3 + d.IntN(12) {
		a := d.walkAct(s, trouble)
		a.After = pick(d, 0, d.between(0, time.Second), d.between(0, 3*time.Second), d.between(0, 3*time.Second), d.between(3*time.Second, 40*time.Second), d.between(50*time.Second, 2*time.Minute))
		s.Acts = append(s.Acts, a)
	}
	return s
}

func (d drawer) walkAct(s script, trouble int) act {
	if d.IntN(10) >= trouble {
		a := act{Do: pick(d, d.deeds...), N: d.IntN(40), Nth: d.IntN(8)}
		switch a.Do {
		case "freeze":
			a.Channel = pick(d, "", audience, "INC-1")
		case "thaw":
			a.Release = pick(d, "newest", "newest", "all", "drop")
		}
		return a
	}
	a := d.trouble(pick(d, s.Channels...), s.lease())
	switch a.Do {
	case "fault":
		a.Fault = d.walkFault()
	case "crash":
		a.Point, a.Nth = pick(d, append(slices.Clone(walkPoints), deskPoints...)...), d.IntN(40)
	case "copy", "restore":
		a.Down = d.between(2*time.Second, time.Minute)
	case "halt":
		a.Point, a.Nth = pick(d, append(slices.Clone(walkPoints), "", "")...), d.IntN(40)
	}
	return a
}

func (d drawer) walkFault() *sim.Fault {
	f := d.fault("telegram")
	f.Match, f.Skip, f.Times = pick(d, walkRequests...), d.IntN(12), pick(d, 1, 1, 2, 4, 12)
	return f
}
