package broadcast

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

func TestRefusalOfAnAccountIsRememberedUntilItTakesSomething(t *testing.T) {
	var n notes
	n.answered(bots.Receipt{}, &bots.Fault{Kind: bots.Unauthorized, Subject: bots.Target})
	if n.refused != nil {
		t.Error("one chat is taken for the account")
	}
	n.answered(bots.Receipt{}, &bots.Fault{Kind: bots.Unauthorized, Subject: bots.Account, Code: "401"})
	n.answered(bots.Receipt{}, &bots.Fault{Kind: bots.Temporary})
	if n.refused == nil || n.refused.Code != "401" {
		t.Errorf("refused is %v, want 401", n.refused)
	}
	n.answered(bots.Receipt{}, nil)
	if n.refused != nil {
		t.Errorf("it took something and is refused: %v", n.refused)
	}
}

func TestPacerTellsItsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(bots.Limits{Account: bots.Pace{N: 3, Per: time.Minute}})
		for range 2 {
			if _, err := p.wait(t.Context(), turn{since: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		p.pause("", time.Now().Add(time.Second))
		if left, waiting, paused := p.room(time.Now()); left != 1 || waiting != 0 || !paused.After(time.Now()) {
			t.Errorf("left %d, waiting %d, paused until %v", left, waiting, paused)
		}
		time.Sleep(2 * time.Minute)
		if left, _, paused := p.room(time.Now()); left != 3 || !paused.IsZero() {
			t.Errorf("after the window: left %d, paused until %v", left, paused)
		}
		if left, _, _ := newPacer(bots.Limits{}).room(time.Now()); left != -1 {
			t.Errorf("no limit leaves %d", left)
		}
	})
}

func TestNoPlatformSilencesUsForYears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now, far := time.Now(), time.Now().AddDate(30, 0, 0)
		if got := notBefore(&bots.Fault{Kind: bots.RateLimited, Until: far}, now); got.After(now.Add(longestQuiet)) {
			t.Errorf("not before %v", got)
		}
		p := newPacer(bots.Limits{})
		p.pause("", far)
		if _, _, paused := p.room(now); paused.After(now.Add(longestQuiet)) {
			t.Errorf("paused until %v", paused)
		}
	})
}
