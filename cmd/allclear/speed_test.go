package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
)

// BenchmarkFromAcceptedToLastPost measures from the answer to a command until
// the last of four platforms has answered, each of which answers after 150 ms.
// It prints that as a multiple of what a bare request to the slowest platform
// takes in the same run: 1 would be as fast as anything could be.
func BenchmarkFromAcceptedToLastPost(b *testing.B) {
	const answer = 150 * time.Millisecond
	s := newServer(b, append(noRoom, fast...)...)
	slow := sim.Fault{Delay: sim.Duration(answer), Times: -1}
	for _, f := range []*sim.Faults{&s.world.Telegram.Faults, &s.world.Discord.Faults, &s.world.X.Faults, &s.world.WeChat.Faults} {
		f.Add(slow)
	}
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
	var took, bare []time.Duration
	for n := 2; b.Loop(); n++ {
		b.StopTimer()
		s.until("quiet", func() bool { return s.allSent("INC-1") && s.idle() })
		bare = append(bare, s.bareRequest(b))
		b.StartTimer()
		update := fmt.Sprintf("INC-1/%d", n)
		if got := s.must("update", "INC-1", "Still working on it."); got != update+" published" {
			b.Fatal(got)
		}
		accepted := time.Now()
		s.until("everywhere", func() bool { return s.posted(update) == len(platforms) })
		took = append(took, time.Since(accepted))
	}
	ratio := float64(median(took)) / float64(median(bare))
	b.ReportMetric(ratio, "x-bare-request")
	b.ReportMetric(float64((median(took)-median(bare)).Microseconds())/1000, "ms-on-top")
	b.ReportMetric(float64(slices.Max(took))/float64(median(bare)), "x-worst")
	b.ReportMetric(0, "ns/op") // includes the command itself and the pauses between
}

// bareRequest times one plain request to the slowest platform.
func (s *server) bareRequest(b *testing.B) time.Duration {
	began := time.Now()
	resp, err := http.Get(s.sims.URL + "/telegram/bot" + demoBot + "/getMe")
	if err != nil {
		b.Fatal(err)
	}
	resp.Body.Close()
	return time.Since(began)
}

// posted counts the platforms that show an update.
func (s *server) posted(update string) (n int) {
	for _, p := range platforms {
		for _, m := range s.feed(p) {
			if strings.Contains(m.Text, update+" · ") {
				n++
				break
			}
		}
	}
	return n
}

// idle reports whether no account has anything to do.
func (s *server) idle() bool {
	for name := range s.app.bots {
		busy, err := s.app.store.Busy(s.t.Context(), name)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(busy) > 0 {
			return false
		}
	}
	return true
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
