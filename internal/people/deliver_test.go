package people

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

// movable is a store in which a chat that moved is followed.
type movable struct{ Store }

func (movable) MoveSubscriber(context.Context, string, int64, int64) error { return nil }

// TestAMenuThatMoved checks that who presses a button in a group that has moved, or
// in a topic that is closed, is answered by a message: his menu is not where that goes.
func TestAMenuThatMoved(t *testing.T) {
	for name, fault := range map[string]*bots.Fault{
		"the group moved":     {Kind: bots.Moved, Subject: bots.Target, To: "-1005"},
		"the topic is closed": {Kind: bots.Gone, Subject: bots.Parent, Detail: "TOPIC_CLOSED"},
	} {
		a := speaker(t, aDialogue(3))
		a.Store, a.Log, a.answers = movable{}, slog.New(slog.DiscardHandler), newAnswers(bots.Pace{N: 30, Per: time.Second}, nil)
		var asked []bots.Operation
		a.Say = func(_ context.Context, op bots.Operation) (bots.Receipt, error) {
			if asked = append(asked, op); len(asked) == 1 {
				return bots.Receipt{}, fault
			}
			return bots.Receipt{}, nil
		}
		p := pressed("1", incident.Major)
		p.event.Chat, p.event.Private, p.event.Thread = "-5", false, "77"
		a.deliver(t.Context(), p)
		again, ok := a.answers.next()
		if a.deliver(t.Context(), again); !ok || len(asked) != 2 {
			t.Fatalf("%s: asked for %d times", name, len(asked))
		}
		if op := asked[1]; op.Action != bots.Post || op.Message != "" || op.ReplyTo != "" || len(op.Buttons) == 0 || fault.To != "" && op.Target != fault.To {
			t.Errorf("%s: it is answered by %+v", name, op)
		}
	}
}

// TestAnswersLeftOutAreReported checks that the log says what is true also where one
// person asked for too much.
func TestAnswersLeftOutAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		a := speaker(t, aDialogue(3))
		a.Account, a.Log = "tg", slog.New(slog.NewTextHandler(&log, nil))
		a.answers = newAnswers(bots.Pace{N: 30, Per: time.Second}, nil)
		for range maxPerChat + 2 {
			a.answers.add(from(7))
		}
		ctx, stop := context.WithTimeout(t.Context(), 3*shedEvery)
		defer stop()
		a.report(ctx)
		want := `level=WARN msg="answers were left out: too much was asked at once; what was chosen is kept" account=tg answers=2`
		if got := log.String(); !strings.Contains(got, want) || strings.Count(got, "\n") != 1 {
			t.Errorf("the log says:\n%s", got)
		}
	})
}
