// Package bottest is the conformance suite that every adapter passes. It plays
// the platform itself, over real connections on loopback, and checks what the
// contract in package bots promises: that what is asked for reaches the
// platform unchanged, that every answer (and every way to get none) is told
// apart rightly, that there is never a second request, that nothing leaves
// before the journal agrees, and that no secret comes back out.
//
// An adapter's test fills in a [Platform] with what its platform's
// documentation says and calls [Run]. What the suite cannot know (the meaning
// of events, reading back, checks) the adapter tests itself.
package bottest

import (
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// A Platform tells the suite how one platform speaks.
type Platform struct {
	// New returns a bot that sends to the given base address, with no base
	// path of its own. It must not use the network. The suite makes many.
	New func(apiURL string) (bots.Bot, error)

	// Secrets are what New configures that must never be seen again.
	Secrets []string

	// Calls are successful requests: at least one for each action that the
	// platform offers, and one for each place a message can go (a reply, a
	// thread). The first one is a plain post.
	Calls []Call

	// Answers are the refusals that the platform documents, and the answers
	// that look like refusals but are successes.
	Answers []Answer

	// Refuse returns a refusal in the platform's own shape that says words.
	// It must be one that the adapter takes for a fault, whatever the words.
	Refuse func(words string) Reply

	// Decode reads from a request what it asks the platform to do, the text
	// as people will see it, with the buttons that the message has afterwards.
	// It is written from the platform's documentation and shares no code with
	// the adapter.
	Decode func(Request) (bots.Operation, error)

	// Length is how long the platform counts the text in a request, in the
	// unit of Limits.MaxText.
	Length func(Request) int
}

// A Call is an operation that succeeds.
type Call struct {
	Name    string
	Op      bots.Operation
	Asks    bots.Operation // what the request can be seen to ask for; zero means Op
	OK      Reply          // the platform's answer
	Receipt bots.Receipt   // what the adapter makes of it
}

// An Answer is what the platform documents to say about an operation, and what
// the adapter must make of it.
type Answer struct {
	Name  string
	Op    bots.Operation // zero means that of the first call
	Reply Reply

	Want    bots.Fault    // Kind, Subject, Code and To are compared, Detail if not empty, Until within a second if not zero
	After   time.Duration // Want.Until, counted from the answer
	Receipt bots.Receipt  // for an answer that is a success: Want is zero then
}

// Run checks one adapter.
func Run(t *testing.T, p Platform) {
	logged := captureLogs(t)
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			if err := c.run(p); err != nil {
				t.Error(err)
			}
		})
	}
	if s := leaked(p.Secrets, logged.String()); s != "" {
		t.Errorf("a secret was logged: %s", s)
	}
}

// A check returns everything that it finds wrong. It is a function of the
// platform alone, so that the suite can be tested with adapters that are
// wrong on purpose.
type check struct {
	name string
	run  func(Platform) error
}

func checks() []check {
	return []check{
		{"calls", Platform.checkCalls},
		{"actions", Platform.checkActions},
		{"texts", Platform.checkTexts},
		{"limit", Platform.checkLimit},
		{"buttons", Platform.checkButtons},
		{"answers", Platform.checkAnswers},
		{"words", Platform.checkWords},
		{"wire", Platform.checkWire},
		{"refused", Platform.checkRefused},
		{"reused", Platform.checkReused},
		{"redirects", Platform.checkRedirects},
		{"retry-after", Platform.checkRetryAfter},
		{"deadline", Platform.checkDeadline},
		{"cancelled", Platform.checkCancelled},
		{"journal", Platform.checkJournal},
		{"concurrency", Platform.checkConcurrency},
	}
}
