package bottest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// patience is how long a Do may take to notice that its context has ended.
const patience = 2 * time.Second

// checkWire checks answers that are none: after the request has left, nobody
// can say whether it was carried out.
func (p Platform) checkWire() error {
	var wrong []error
	for _, c := range p.Calls {
		for name, m := range unsure(c.OK) {
			out, err := p.try(context.Background(), c.Op, m)
			if !c.statusIsAll(name, out) {
				err = errors.Join(err, wantKind(out, bots.Unsure, 1))
			}
			if err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %s: %w", c.Name, name, err))
			}
		}
	}
	return errors.Join(wrong...)
}

// statusIsAll allows an action that the platform answers without a body to
// look at the status alone.
func (c Call) statusIsAll(name string, out outcome) bool {
	return c.OK.Body == "" && strings.HasPrefix(name, "200") && out.fault == nil
}

func wantKind(out outcome, kind bots.FaultKind, requests int) error {
	if out.fault == nil || out.fault.Kind != kind || len(out.requests) != requests {
		return fmt.Errorf("%v after %d requests, want %s after %d", out, len(out.requests), kind, requests)
	}
	return nil
}

func unsure(ok Reply) map[string]manner {
	html := func(status int, body string) manner {
		return answer(Reply{Status: status, Header: map[string]string{"Content-Type": "text/html"}, Body: body})
	}
	page := "<html>\r\n<head><title>Bad Gateway</title></head>\r\n<body><hr><center>nginx</center></body>\r\n</html>\r\n"
	cases := map[string]manner{
		"cut after the request":  raw(""),
		"cut in the status line": raw("HTTP/1.1 2"),
		"cut in the headers":     raw("HTTP/1.1 200 OK\r\nContent-"),
		"another protocol":       raw("SSH-2.0-OpenSSH_9.9\r\n"),
		"200 empty":              answer(Reply{}),
		"200 HTML":               html(200, page),
		"200 null":               answer(Reply{Body: "null"}),
		"200 array":              answer(Reply{Body: "[]"}),
		"200 object":             answer(Reply{Body: "{}"}),
		"200 string":             answer(Reply{Body: `"ok"`}),
		"200 of 2 MB":            answer(Reply{Body: strings.Repeat(" ", 2<<20) + ok.Body}),
		"500 HTML":               html(500, page),
		"502 HTML":               html(502, page),
		"503 HTML":               html(503, page),
		"504 empty":              html(504, ""),
		"502 of 2 MB":            html(502, strings.Repeat(page, 2<<20/len(page))),
		"502 echo":               echo(502),
	}
	if ok.Body != "" {
		cases["half an answer"] = half(ok)
	}
	return cases
}

// checkRefused checks connections that never stand: nothing was sent, and the
// journal need not know. Where one byte has left it is another matter.
func (p Platform) checkRefused() error {
	addr, err := nobody()
	if err != nil {
		return err
	}
	closing, stop, err := hangUp()
	if err != nil {
		return err
	}
	defer stop()
	var wrong []error
	for _, c := range p.Calls {
		for name, want := range map[string]struct {
			url       string
			kind      bots.FaultKind
			journaled int
		}{
			"connection refused":   {"http://" + addr, bots.Temporary, 0},
			"TLS handshake cut":    {"https://" + closing, bots.Temporary, 0},
			"cut while it is read": {"http://" + closing, bots.Unsure, 1},
		} {
			bot, err := p.New(want.url)
			if err != nil {
				return fmt.Errorf("New: %w", err)
			}
			out, err := p.do(context.Background(), bot, nil, c.Op)
			err = errors.Join(err, wantKind(out, want.kind, 0))
			if out.journaled != want.journaled {
				err = errors.Join(err, fmt.Errorf("journal called %d times, want %d", out.journaled, want.journaled))
			}
			if err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %s: %w", c.Name, name, err))
			}
		}
	}
	return errors.Join(wrong...)
}

// checkReused checks that a kept connection that dies under a request is not
// taken as leave to send the request again. The request is one that is not
// journalled, as those to rooms are: of the others the client takes care.
func (p Platform) checkReused() error {
	var wrong []error
	for _, c := range p.Calls {
		if err := p.reuse(c); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", c.Name, err))
		}
	}
	return errors.Join(wrong...)
}

func (p Platform) reuse(c Call) error {
	peer := newPeer(answer(c.OK))
	defer peer.close()
	bot, err := p.New(peer.url)
	if err != nil {
		return err
	}
	if out, err := p.do(context.Background(), bot, peer, c.Op); out.fault != nil || err != nil {
		return errors.Join(fmt.Errorf("first: %v", out), err)
	}
	peer.become(raw(""))
	_, err = bot.Do(context.Background(), c.Op)
	out := outcome{requests: peer.seen()[1:]}
	if err != nil {
		out.fault = bots.AsFault(err)
	}
	if err := wantKind(out, bots.Unsure, 1); err != nil {
		return err
	}
	if conns, _ := peer.touched(); conns != 1 {
		return fmt.Errorf("%d connections were opened for two requests, want one", conns)
	}
	return nil
}

// checkRedirects checks that nothing is ever sent where an answer points.
func (p Platform) checkRedirects() error {
	elsewhere := newPeer(answer(p.Calls[0].OK))
	defer elsewhere.close()
	var wrong []error
	for _, c := range p.Calls {
		for _, status := range []int{301, 302, 303, 307, 308} {
			out, err := p.try(context.Background(), c.Op, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, elsewhere.url+r.RequestURI, status)
			})
			if err = errors.Join(err, wantKind(out, bots.Rejected, 1)); err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %d: %w", c.Name, status, err))
			}
		}
	}
	if n, _ := elsewhere.touched(); n != 0 {
		wrong = append(wrong, fmt.Errorf("redirects were followed %d times", n))
	}
	return errors.Join(wrong...)
}

// checkDeadline checks that an answer that does not come is not waited for
// longer than the context allows.
func (p Platform) checkDeadline() error {
	c := p.Calls[0]
	var wrong []error
	for name, m := range map[string]manner{"no answer": silent, "unending answer": unending(c.OK)} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second) // and a busy machine makes the request within it
		defer cancel()
		out, err := p.try(ctx, c.Op, m)
		err = errors.Join(err, wantKind(out, bots.Unsure, 1))
		if late := out.ended.Sub(out.answered); late > patience {
			err = errors.Join(err, fmt.Errorf("returned after %v", late))
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(wrong...)
}

// checkCancelled checks that a cancelled context sends nothing, and that one
// cancelled while waiting for the answer ends the wait.
func (p Platform) checkCancelled() error {
	var wrong []error
	for _, c := range p.Calls {
		if err := errors.Join(p.cancelBefore(c), p.cancelDuring(c)); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", c.Name, err))
		}
	}
	return errors.Join(wrong...)
}

func (p Platform) cancelBefore(c Call) error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	out, err := p.try(ctx, c.Op, answer(c.OK))
	if out.journaled != 0 {
		err = errors.Join(err, errors.New("before: the journal was called"))
	}
	return errors.Join(err, wantKind(out, bots.Temporary, 0))
}

func (p Platform) cancelDuring(c Call) error {
	peer := newPeer(silent)
	defer peer.close()
	bot, err := p.New(peer.url)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-peer.read
		cancel()
	}()
	out, err := p.do(ctx, bot, peer, c.Op)
	if late := out.ended.Sub(out.answered); late > patience {
		err = errors.Join(err, fmt.Errorf("during: returned after %v", late))
	}
	return errors.Join(err, wantKind(out, bots.Unsure, 1))
}

// checkJournal checks that a journal that refuses keeps every byte back.
func (p Platform) checkJournal() error {
	var wrong []error
	for _, c := range p.Calls {
		if err := p.refuseJournal(c); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", c.Name, err))
		}
	}
	return errors.Join(wrong...)
}

func (p Platform) refuseJournal(c Call) error {
	peer := newPeer(answer(c.OK))
	defer peer.close()
	bot, err := p.New(peer.url)
	if err != nil {
		return err
	}
	called := 0
	ctx := bots.BeforeSend(context.Background(), func() error {
		called++
		return errors.New("the disk is full")
	})
	_, err = bot.Do(ctx, c.Op)
	fault, ok := errors.AsType[*bots.Fault](err)
	if !ok || fault.Kind != bots.Temporary {
		return fmt.Errorf("%v, want %s", err, bots.Temporary)
	}
	if called != 1 {
		return fmt.Errorf("the journal was asked %d times, want once", called)
	}
	select { // the end of the connection is the end of what could have come
	case <-peer.closed:
	case <-time.After(patience):
		return errors.New("the connection stays open")
	}
	if _, n := peer.touched(); n != 0 {
		return fmt.Errorf("%d bytes left although the journal refused", n)
	}
	return nil
}
