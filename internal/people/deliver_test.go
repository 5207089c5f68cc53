package people

import (
	"context"
	"log/slog"
	"testing"
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
