//go:build unix

package main

import (
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// PostgreSQL dies while a post is under way and a standby takes its place: the
// url names both, and servers go over to whichever can be written.
func TestDatabaseFailsOver(t *testing.T) {
	t.Parallel()
	primary := storetest.NewCluster(t)
	standby := primary.Standby()
	both := primary.Or(standby)
	f := newFleet(t, both, 2)
	f.spread(f.nodes...)
	f.world.X.Faults.Add(sim.Fault{Match: "POST /2/tweets", Delay: sim.Duration(2 * time.Second), Times: 1})
	f.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
	f.until("under way", func() bool { return f.state("INC-1/1", "x") == "sending" })
	primary.Stop()
	standby.Promote()
	for k := range f.nodes {
		f.use(k)
		f.until("ready", f.ready)
	}
	f.must("update", "INC-1", "A fix is in place.")
	f.until("sent", func() bool { return f.allSent("INC-1") })
	for _, p := range platforms {
		f.wantTexts(p, "Nobody can log in", "A fix is in place")
	}
}
