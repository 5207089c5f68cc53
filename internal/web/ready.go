package web

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A CheckState is how one thing is that a server needs.
type CheckState string

// The states of checks.
const (
	CheckOK      CheckState = "ok"
	CheckWarning CheckState = "warning" // a person should know
	CheckFailed  CheckState = "failed"  // the server cannot do its job
)

// A Check is one line of what /readyz tells.
type Check struct {
	Name   string     `json:"name"`
	State  CheckState `json:"state"`
	Detail string     `json:"detail,omitempty"` // one line: what is wrong, what to do
}

// How long checks may take, and how long their result is good enough for
// others who ask: a database is written for it.
const (
	checkTime = 3 * time.Second
	checkGood = time.Second
)

// readyz answers whether this server can do its job, and what is wrong if not.
type readyz struct {
	*api
	mu       sync.Mutex
	at       time.Time
	checks   []Check
	stumbled bool // when the checks ended
}

// readiness is the answer. Where the server is not ready it is also a problem
// document.
type readiness struct {
	Ready     bool    `json:"ready"`
	Simulator string  `json:"simulator,omitempty"`
	Checks    []Check `json:"checks"`
	*problem
}

func (z *readyz) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := readiness{Ready: true, Checks: z.look(r.Context())}
	if z.Simulator {
		answer.Simulator = "SIMULATOR"
	}
	var reasons []string
	for _, c := range answer.Checks {
		if c.State == CheckFailed {
			reasons = append(reasons, c.Name+": "+c.Detail)
		}
	}
	if len(reasons) == 0 {
		writeJSON(w, http.StatusOK, "application/json", answer)
		return
	}
	answer.Ready = false
	answer.problem = refuse(http.StatusServiceUnavailable, "%s", strings.Join(reasons, "; "))
	writeJSON(w, http.StatusServiceUnavailable, "application/problem+json", answer)
}

// look has everything checked, once for all who ask within a moment, unless a
// write has failed since, or succeeded again.
func (z *readyz) look(ctx context.Context) []Check {
	z.mu.Lock()
	defer z.mu.Unlock()
	if time.Since(z.at) > checkGood || z.stumbles() != z.stumbled {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTime)
		defer cancel()
		z.checks, z.at = z.Ready(ctx), time.Now()
		z.stumbled = z.stumbles()
	}
	return z.checks
}
