package bottest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// An outcome is what one Do came to.
type outcome struct {
	receipt   bots.Receipt
	fault     *bots.Fault // nil for success
	requests  []Request   // that reached the peer during it
	journaled int
	answered  time.Time
	ended     time.Time
}

func (o outcome) String() string {
	if o.fault == nil {
		return fmt.Sprintf("success %+v", o.receipt)
	}
	return o.fault.Error()
}

// try carries out op once with a new bot, against a new peer of that manner.
func (p Platform) try(ctx context.Context, op bots.Operation, m manner) (outcome, error) {
	peer := newPeer(m)
	defer peer.close()
	bot, err := p.New(peer.url)
	if err != nil {
		return outcome{}, fmt.Errorf("New: %w", err)
	}
	return p.do(ctx, bot, peer, op)
}

// do carries out op once and checks what is true of every Do whatever
// happens: see [Platform.always]. peer may be nil where nothing listens.
func (p Platform) do(ctx context.Context, bot bots.Bot, peer *peer, op bots.Operation) (outcome, error) {
	var (
		journaled atomic.Int32
		before    int
	)
	if peer != nil {
		before = len(peer.seen())
	}
	ctx = bots.BeforeSend(ctx, func() error { journaled.Add(1); return nil })
	receipt, err := bot.Do(ctx, op)
	out := outcome{receipt: receipt, journaled: int(journaled.Load()), ended: time.Now()}
	if peer != nil {
		out.requests = peer.seen()[before:]
		peer.mu.Lock()
		out.answered = peer.answered
		peer.mu.Unlock()
	}
	if err != nil {
		out.fault, _ = errors.AsType[*bots.Fault](err)
	}
	return out, p.always(out, err)
}

// always is what holds after every Do.
func (p Platform) always(out outcome, err error) error {
	var wrong []error
	if n := len(out.requests); n > 1 {
		wrong = append(wrong, fmt.Errorf("%d requests were made, want at most one", n))
	}
	if out.journaled > 1 || out.journaled < len(out.requests) {
		wrong = append(wrong, fmt.Errorf("the journal was called %d times for %d requests", out.journaled, len(out.requests)))
	}
	if err == nil {
		return errors.Join(wrong...)
	}
	if out.fault == nil {
		wrong = append(wrong, fmt.Errorf("the error is a %T, want a *bots.Fault: %v", err, err))
	} else if d := out.fault.Detail; d != bots.OneLine(d) {
		wrong = append(wrong, fmt.Errorf("Fault.Detail is not one line of at most 300 bytes: %q", d))
	}
	if out.receipt != (bots.Receipt{}) {
		wrong = append(wrong, fmt.Errorf("a receipt came with the fault: %+v", out.receipt))
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if s := leaked(p.Secrets, fmt.Sprintf("%v %+v %#v %s", e, e, reflect.Indirect(reflect.ValueOf(e)), e.Error())); s != "" {
			wrong = append(wrong, fmt.Errorf("a secret is in the error: %s", s))
		}
	}
	return errors.Join(wrong...)
}

// leaked returns s when it contains a secret, as it is or escaped for a URL.
func leaked(secrets []string, s string) string {
	for _, secret := range secrets {
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
			if strings.Contains(s, form) {
				return s
			}
		}
	}
	return ""
}

// captureLogs collects what is written through log and log/slog until the
// test ends.
func captureLogs(t *testing.T) *syncBuffer {
	var (
		b     = new(syncBuffer)
		out   = log.Writer()
		flags = log.Flags()
		std   = slog.Default()
	)
	slog.SetDefault(slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	log.SetOutput(b)
	t.Cleanup(func() {
		slog.SetDefault(std)
		log.SetOutput(out)
		log.SetFlags(flags)
	})
	return b
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
