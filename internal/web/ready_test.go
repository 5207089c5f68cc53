package web

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// What was found holds for a moment, for all who ask, but no longer than until a
// write fails or succeeds again.
func TestReadinessIsLookedAtAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looked, stumbled, full := 0, false, false
		z := &readyz{api: &api{Config: Config{
			Stumbled: func() bool { return stumbled },
			Ready: func(context.Context) []Check {
				looked++
				if stumbled = full; full {
					return []Check{{Name: "database", State: CheckFailed}}
				}
				return []Check{{Name: "database", State: CheckOK}}
			},
		}}}
		wants := func(state CheckState, times int) {
			t.Helper()
			if got := z.look(t.Context())[0].State; got != state || looked != times {
				t.Errorf("%s after %d looks, want %s after %d", got, looked, state, times)
			}
		}
		wants(CheckOK, 1)
		wants(CheckOK, 1)
		full, stumbled = true, true // a write failed
		wants(CheckFailed, 2)
		wants(CheckFailed, 2)
		full, stumbled = false, false // one succeeded
		wants(CheckOK, 3)
		stumbled = true // one was refused
		wants(CheckOK, 4)
		full = true // and nobody wrote
		time.Sleep(checkGood + 1)
		wants(CheckFailed, 5)
	})
}
