package main

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A visitor of the demonstration who presses Start is told what subscribers are.
func TestDemoTellsItsVisitor(t *testing.T) {
	t.Parallel()
	var out syncBuffer
	ctx, stop := context.WithCancel(t.Context())
	e := &env{ctx: ctx, in: strings.NewReader(""), out: &out, err: &out, lookup: func(string) (string, bool) { return "", false }}
	ended := make(chan int, 1)
	go func() { ended <- run(e, []string{"demo", "--pace", "8s", "--listen", "127.0.0.1:0"}) }()
	defer func() {
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("exit %d:\n%s", code, out.String())
		}
	}()
	page := ""
	within(t, time.Minute, "the page's address is told", func() bool {
		_, after, _ := strings.Cut(out.String(), "Watch and type here:")
		page, _, _ = strings.Cut(strings.TrimSpace(after), "\n")
		return strings.Contains(after, "The status page:")
	})
	start := `{"platform":"telegram","chat":"` + demoTalk + `","person":"` + demoVisitor + `","text":"/start"}`
	resp, err := http.Post(page+"control/say", "application/json", strings.NewReader(start))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("Start: %v, %v", resp, err)
	}
	resp.Body.Close()
	for _, words := range []string{"You are subscribed to Example Exchange", "Login and withdrawals are unavailable"} {
		within(t, time.Minute, "the visitor reads "+words, func() bool {
			resp, err := http.Get(page + "control/seen?platform=telegram&place=" + url.QueryEscape(demoTalk))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			seen, err := io.ReadAll(resp.Body)
			return err == nil && strings.Contains(string(seen), words)
		})
	}
}

// within waits for a condition.
func within(t *testing.T, most time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(most); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", most, what)
		}
	}
}
