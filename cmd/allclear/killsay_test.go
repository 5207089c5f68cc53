package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// told is an incident as people were answered: what is accepted.
type told struct {
	n       int // the first, the second …
	ref     string
	updates []*toldUpdate
	ended   bool
}

type toldUpdate struct {
	typos     []bool // by revision: it was a typo only, which is announced nowhere; the first is false
	retracted bool
	removed   bool
}

// mark is recognised wherever it shows. Without a revision it is that of all of
// them.
func (i *told) mark(update, revision int) string {
	if revision == 0 {
		return fmt.Sprintf("Words %d.%d.", i.n, update)
	}
	return fmt.Sprintf("Words %d.%d.%d!", i.n, update, revision)
}

// reason is why an update was withdrawn.
func (i *told) reason(update int) string { return fmt.Sprintf("Not so %d.%d!", i.n, update) }

// loud is the last revision of an update that is not only a typo.
func (u *toldUpdate) loud() int {
	r := len(u.typos)
	for u.typos[r-1] {
		r--
	}
	return r
}

// command is what is sent, and what it changes once it is accepted.
type command struct {
	key, path, body string
	ref             string // of an incident that it opens, as answered
	accepted        func()
}

// command draws what is said next.
func (k *killing) command() *command {
	var open []*told
	for _, i := range k.accepted {
		if !i.ended {
			open = append(open, i)
		}
	}
	c := k.open()
	if len(open) > 0 && (k.IntN(4) > 0 || len(open) > 3) {
		i := open[k.IntN(len(open))]
		c = k.about(i, 1+k.IntN(len(i.updates)))
	}
	k.commands++
	c.key = fmt.Sprintf("command-%d", k.commands)
	return c
}

func (k *killing) open() *command {
	i := &told{n: len(k.accepted) + 1}
	c := &command{path: "/v1/incidents", body: fmt.Sprintf(`{"title":"Title %d","impact":"minor","components":["login"],"body":%q}`, i.n, i.mark(1, 1))}
	c.accepted = func() {
		i.ref, i.updates = c.ref, []*toldUpdate{{typos: []bool{false}}}
		k.accepted = append(k.accepted, i)
	}
	return c
}

// about is a command about an incident, and perhaps its update n.
func (k *killing) about(i *told, n int) *command {
	u := i.updates[n-1]
	at := fmt.Sprintf("/v1/incidents/%s/updates", i.ref)
	this := fmt.Sprintf("%s/%d", at, n)
	switch x := k.IntN(20); {
	case x < 2:
		return &command{path: at, body: fmt.Sprintf(`{"status":"resolved","body":%q}`, i.mark(len(i.updates)+1, 1)), accepted: func() {
			i.updates, i.ended = append(i.updates, &toldUpdate{typos: []bool{false}}), true
		}}
	case x < 11 && !u.retracted:
		typo := x < 5
		return &command{path: this + "/correction", body: fmt.Sprintf(`{"typo":%t,"body":%q}`, typo, i.mark(n, len(u.typos)+1)), accepted: func() {
			u.typos = append(u.typos, typo)
		}}
	case x < 13 && !u.retracted:
		removed := x == 12
		return &command{path: this + "/retraction", body: fmt.Sprintf(`{"delete":%t,"reason":%q}`, removed, i.reason(n)), accepted: func() {
			u.retracted, u.removed = true, removed
		}}
	}
	return &command{path: at, body: fmt.Sprintf(`{"body":%q}`, i.mark(len(i.updates)+1, 1)), accepted: func() {
		i.updates = append(i.updates, &toldUpdate{typos: []bool{false}})
	}}
}

// send sends a command once.
func (k *killing) send(url string, c *command) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+c.path, strings.NewReader(c.body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+demoToken)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", c.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer struct{ Ref string }
	if err := json.Unmarshal(text, &answer); err != nil || resp.StatusCode/100 != 2 || resp.StatusCode == http.StatusAccepted {
		return fmt.Errorf("%s: %s", resp.Status, text)
	}
	c.ref = answer.Ref
	return nil
}
