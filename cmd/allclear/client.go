package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/internal/web"
)

// Bounds of one call to a server.
const (
	callTime  = 30 * time.Second
	callTries = 3         // with the same Idempotency-Key, so that a lost answer has one effect
	maxAnswer = 256 << 20 // bytes; an export has a line for each of the audit's
)

// client speaks the API of a running server.
type client struct {
	base  string
	token string
	key   string // Idempotency-Key of this invocation
	http  *http.Client
}

// newClient reads ALLCLEAR_URL and ALLCLEAR_TOKEN.
func newClient(e *env) (*client, error) {
	base, ok := e.lookup("ALLCLEAR_URL")
	if !ok || base == "" {
		base = "http://127.0.0.1:8080"
	}
	if u, err := url.Parse(base); err != nil || u.Host == "" {
		return nil, usageError{fmt.Errorf("ALLCLEAR_URL is %q: write it like https://status.example.com", base)}
	}
	token, _ := e.lookup("ALLCLEAR_TOKEN")
	if token == "" {
		return nil, usageError{errors.New("ALLCLEAR_TOKEN is not set: set it to your operator token (allclear token makes one)")}
	}
	return &client{base: strings.TrimRight(base, "/"), token: token, key: rand.Text(), http: &http.Client{
		Timeout:       callTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token goes nowhere else
	}}, nil
}

// call makes one request and decodes the answer into out, if out is not nil.
// It returns the answer's bytes, also of a refusal. Connections that fail are tried again.
func (c *client) call(ctx context.Context, method, path string, body, out any) ([]byte, error) {
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	var answer []byte
	var err error
	mayBeDone := false
	for try := range callTries {
		if try > 0 {
			select {
			case <-time.After(time.Duration(try) * time.Second):
			case <-ctx.Done():
				return nil, interrupted(method)
			}
		}
		var again bool
		if answer, again, err = c.once(ctx, method, path, payload); !again {
			break
		}
		if _, ok := errors.AsType[unsure](err); ok {
			mayBeDone = true
		}
	}
	if err != nil && mayBeDone && method != http.MethodGet {
		err = fmt.Errorf("%w; it may have been done all the same: look with \"allclear show\" before you repeat it", err)
	}
	if err != nil && ctx.Err() != nil {
		return nil, interrupted(method)
	}
	if err != nil || out == nil {
		return answer, err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return nil, fmt.Errorf("%s does not answer like allclear: check ALLCLEAR_URL", c.base)
	}
	return answer, nil
}

// interrupted is the error of a request that somebody did not wait for.
func interrupted(method string) error {
	if method == http.MethodGet {
		return errors.New("interrupted")
	}
	return errors.New("interrupted before the answer came: it may have been done")
}

// once makes one request. again reports that it may be repeated.
func (c *client) once(ctx context.Context, method, path string, payload []byte) (answer []byte, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(payload))
	if err != nil {
		return nil, false, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", c.key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err
		}
		err = fmt.Errorf("no answer from %s: is allclear serve running there? (%w)", c.base, err)
		if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" {
			err = unsure{err}
		}
		return nil, ctx.Err() == nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case err != nil:
		return nil, true, unsure{fmt.Errorf("the answer from %s was cut short: %w", c.base, err)}
	case resp.StatusCode >= 500:
		return nil, true, halfway{problem(resp, answer)}
	case resp.StatusCode/100 != 2:
		return answer, false, problem(resp, answer)
	}
	return answer, false, nil
}

// problem is the error behind an answer that is no success (RFC 9457).
func problem(resp *http.Response, answer []byte) error {
	var p struct{ Title, Detail string }
	if json.Unmarshal(answer, &p) != nil || p.Title == "" {
		return fmt.Errorf("the server answered %s", resp.Status)
	}
	err := errors.New(cmp.Or(p.Detail, p.Title))
	if p.Title == web.OutcomeUnknown {
		err = unsure{err}
	}
	return err
}

// unsure is an error after which the server may have done what it was asked.
type unsure struct{ error }

func (u unsure) Unwrap() error { return u.error }

// halfway is an error of the server's, which may have ended in the middle of what has
// many steps.
type halfway struct{ error }

func (h halfway) Unwrap() error { return h.error }
