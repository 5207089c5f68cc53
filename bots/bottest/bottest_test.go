package bottest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/allclear-hq/allclear/bots"
)

// The suite is tested with an adapter for a platform that does not exist: as
// it should be, and wrong in one way at a time.

const secret = "s3cr&t/key"

type flaw string

const (
	none            flaw = ""
	retries         flaw = "sends again after a 5xx"
	reconnects      flaw = "marks its requests as safe to repeat"
	follows         flaw = "follows redirects"
	ownClient       flaw = "does not send through the shared client"
	skipsJournal    flaw = "never asks the journal"
	journalsTwice   flaw = "asks the journal twice"
	leaks           flaw = "returns the URL in errors"
	logs            flaw = "logs the URL"
	trims           flaw = "changes the text"
	htmlText        flaw = "escapes what the platform shows as it is"
	countsBytes     flaw = "measures in another unit"
	sendsLong       flaw = "sends texts that are too long"
	forgetsReply    flaw = "does not link replies"
	ignoresWait     flaw = "makes up its own wait"
	earlySecond     flaw = "comes back a second early"
	trustsStatus    flaw = "takes every 200 for a success"
	certain         flaw = "takes a lost answer for a refusal"
	deaf            flaw = "does not listen to its context"
	plainErrors     flaw = "returns errors of its own"
	bothResults     flaw = "returns a receipt with a fault"
	allActions      flaw = "posts whatever it is asked to do"
	sharesState     flaw = "mixes up posts made at once"
	forgetsID       flaw = "returns no id"
	longDetail      flaw = "quotes all that the platform says"
	misclassifies   flaw = "confuses gone with rejected"
	noPin           flaw = "offers what it has no call for"
	losesWords      flaw = "drops the platform's words"
	sendsCancelled  flaw = "sends although it was cancelled"
	unsureIfRefused flaw = "is unsure about a refused connection"
	forgetsButtons  flaw = "loses the buttons"
	keepsButtons    flaw = "leaves the buttons of an edited message"
	anyButtons      flaw = "sends buttons that platforms refuse"
	hiddenButtons   flaw = "sends buttons that it does not show"
)

func TestSuiteAcceptsAGoodAdapter(t *testing.T) { Run(t, platformWith(none)) }

func TestSuiteFindsFlaws(t *testing.T) {
	for flaw, where := range map[flaw]string{
		retries: "wire", reconnects: "reused", follows: "redirects", ownClient: "journal", skipsJournal: "journal",
		journalsTwice: "calls", leaks: "refused", trims: "texts", htmlText: "texts", countsBytes: "texts",
		sendsLong: "limit", forgetsReply: "calls", ignoresWait: "answers", earlySecond: "retry-after", trustsStatus: "wire",
		certain: "wire", deaf: "deadline", plainErrors: "refused", bothResults: "answers", allActions: "actions",
		sharesState: "concurrency", forgetsID: "calls", longDetail: "words", misclassifies: "answers", noPin: "actions",
		losesWords: "words", sendsCancelled: "cancelled", unsureIfRefused: "refused",
		forgetsButtons: "buttons", keepsButtons: "buttons", anyButtons: "buttons", hiddenButtons: "buttons",
	} {
		t.Run(string(flaw), func(t *testing.T) {
			t.Parallel()
			all := checks()
			i := slices.IndexFunc(all, func(c check) bool { return c.name == where })
			if all[i].run(platformWith(flaw)) == nil {
				t.Errorf("check %q does not find it", where)
			}
		})
	}
}

func TestLeaked(t *testing.T) {
	for s, want := range map[string]bool{
		"":                         false,
		"key=s3cr":                 false,
		"Post /?key=s3cr&t/key: x": true,
		"key=s3cr%26t%2Fkey":       true,
	} {
		if got := leaked([]string{secret}, s) != ""; got != want {
			t.Errorf("%q: %t, want %t", s, got, want)
		}
	}
}

func TestCaptureLogs(t *testing.T) {
	var seen *syncBuffer
	before := log.Writer()
	t.Run("inside", func(t *testing.T) {
		seen = captureLogs(t)
		(&adapter{flaw: logs, client: bots.NewClient(secret)}).send(t.Context(), "http://127.0.0.1:1/?key="+secret, nil)
	})
	if leaked([]string{secret}, seen.String()) == "" {
		t.Errorf("the log has %q, want the secret in it", seen)
	}
	if log.Writer() != before {
		t.Error("the log still goes elsewhere")
	}
}

func platformWith(f flaw) Platform {
	post := bots.Operation{Action: bots.Post, Target: "status", Text: "Back.", Nonce: "n1"}
	ok := Reply{Status: 201, Body: `{"id":"7"}`}
	plain := post
	plain.Nonce = ""
	reply := plain
	reply.ReplyTo = "6"
	return Platform{
		New: func(url string) (bots.Bot, error) {
			a := &adapter{flaw: f, url: url, client: bots.NewClient(secret), last: make(chan bots.Operation, 1)}
			a.last <- post
			return a, nil
		},
		Secrets: []string{secret},
		Calls: []Call{
			{Name: "post", Op: post, Asks: plain, OK: ok, Receipt: bots.Receipt{ID: "7"}},
			{Name: "reply", Op: reply, OK: ok, Receipt: bots.Receipt{ID: "7"}},
			{Name: "edit", Op: bots.Operation{Action: bots.Edit, Target: "status", Message: "7", Text: "Back!"}, OK: ok, Receipt: bots.Receipt{ID: "7"}},
		},
		Answers: []Answer{
			{Name: "gone", Reply: Reply{Status: 404, Body: `{"error":"no such place"}`},
				Want: bots.Fault{Kind: bots.Gone, Subject: bots.Target, Code: "404", Detail: "no such"}},
			{Name: "limit", Reply: Reply{Status: 429, Header: map[string]string{"Retry-After": "3"}, Body: `{"error":"slow"}`},
				Want: bots.Fault{Kind: bots.RateLimited, Code: "429"}, After: 3 * time.Second},
			{Name: "unsaid limit", Reply: Reply{Status: 429}, Want: bots.Fault{Kind: bots.RateLimited, Code: "429"}},
			{Name: "limit at a time", Reply: Reply{Status: 429, Header: map[string]string{"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}},
				Want: bots.Fault{Kind: bots.RateLimited, Code: "429"}, After: time.Minute},
			{Name: "done already", Reply: Reply{Status: 409, Body: `{"id":"7"}`}, Receipt: bots.Receipt{ID: "7"}},
		},
		Refuse: func(words string) Reply { return Reply{Status: 400, Body: `{"error":` + Quote(words) + `}`} },
		Decode: func(r Request) (bots.Operation, error) {
			var op bots.Operation
			return op, r.JSON(&op)
		},
		Length: func(r Request) int {
			var op bots.Operation
			if r.JSON(&op) != nil {
				return -1
			}
			return utf8.RuneCountInString(op.Text)
		},
	}
}

// adapter posts operations as JSON.
type adapter struct {
	flaw   flaw
	url    string
	client *bots.Client
	last   chan bots.Operation
}

func (a *adapter) Limits() bots.Limits {
	l := bots.Limits{MaxText: 500, Unit: "characters", Measure: utf8.RuneCountInString, Edit: true, Replies: bots.ReplyFirst}
	if a.flaw == countsBytes {
		l.Measure = func(s string) int { return len(s) }
	}
	l.Pin = a.flaw == noPin
	l.Buttons = a.flaw != hiddenButtons
	return l
}

func (a *adapter) Do(ctx context.Context, op bots.Operation) (bots.Receipt, error) {
	l := a.Limits()
	switch {
	case op.Action != bots.Post && op.Action != bots.Edit && a.flaw != allActions:
		return bots.Receipt{}, &bots.Fault{Kind: bots.Rejected, Detail: fmt.Sprintf("cannot %q", op.Action)}
	case l.Measure(op.Text) > l.MaxText && a.flaw != sendsLong:
		return bots.Receipt{}, &bots.Fault{Kind: bots.Rejected, Detail: "too long"}
	}
	if f := bots.CheckButtons(op.Buttons); f != nil && a.flaw != anyButtons {
		return bots.Receipt{}, f
	}
	op = a.spoil(op)
	body, err := json.Marshal(op)
	if err != nil {
		return bots.Receipt{}, err
	}
	switch a.flaw {
	case deaf:
		ctx = context.WithoutCancel(ctx)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience+100*time.Millisecond)
		defer cancel()
	case sendsCancelled:
		if ctx.Err() != nil {
			ctx = context.WithoutCancel(ctx)
		}
	}
	ex, err := a.send(ctx, a.url+"/?key="+secret, body)
	if a.flaw == retries && ex.Status >= 500 {
		ex, err = a.send(ctx, a.url+"/?key="+secret, body)
	}
	receipt, f := a.judge(ex, err)
	if f == nil {
		return receipt, nil
	}
	if a.flaw == plainErrors {
		return bots.Receipt{}, errors.New(f.Error())
	}
	if a.flaw != bothResults {
		receipt = bots.Receipt{}
	}
	return receipt, f
}

// spoil does to an operation what some adapters do.
func (a *adapter) spoil(op bots.Operation) bots.Operation {
	op.Nonce = ""
	switch a.flaw {
	case trims:
		op.Text = strings.Join(strings.Fields(op.Text), " ")
	case htmlText:
		op.Text = strings.ReplaceAll(op.Text, "<", "&lt;")
	case forgetsReply:
		op.ReplyTo = ""
	case forgetsButtons:
		op.Buttons = nil
	case keepsButtons:
		if op.Action == bots.Edit && op.Buttons == nil {
			op.Buttons = oddButtons()
		}
	case sharesState:
		last := <-a.last
		a.last <- op
		op = last
	}
	return op
}

func (a *adapter) send(ctx context.Context, url string, body []byte) (*bots.Exchange, error) {
	ctx, ex, cancel := a.client.Exchange(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "POST", url, bytes.NewReader(body))
	if err != nil {
		return ex, err
	}
	client := a.client.HTTP
	switch a.flaw {
	case logs:
		log.Print(url)
	case reconnects:
		req.Header.Set("Idempotency-Key", "1")
	case follows:
		client = &http.Client{}
	case ownClient:
		client = &http.Client{CheckRedirect: a.client.HTTP.CheckRedirect}
	case skipsJournal:
		req = req.WithContext(bots.BeforeSend(context.WithoutCancel(ctx), func() error { return nil }))
	}
	resp, err := client.Do(req)
	if err == nil {
		if ex.Status == 0 { // past the shared client
			ex.Status, ex.Header = resp.StatusCode, resp.Header
			ex.Body, ex.Err = io.ReadAll(resp.Body)
		}
		resp.Body.Close()
	}
	if a.flaw == journalsTwice {
		a.send2(ctx, url)
	}
	return ex, err
}

// send2 opens a second exchange, which asks the journal again.
func (a *adapter) send2(ctx context.Context, url string) {
	ctx, _, cancel := a.client.Exchange(ctx)
	defer cancel()
	if req, err := http.NewRequestWithContext(ctx, "GET", url, nil); err == nil {
		if resp, err := a.client.HTTP.Do(req); err == nil {
			resp.Body.Close()
		}
	}
}

func (a *adapter) judge(ex *bots.Exchange, err error) (bots.Receipt, *bots.Fault) {
	var answer struct{ ID, Error string }
	valid := json.Unmarshal(ex.Body, &answer) == nil
	receipt := bots.Receipt{ID: answer.ID}
	if a.flaw == forgetsID {
		receipt.ID = ""
	}
	f := ex.Fault("", answer.Error)
	switch {
	case ex.Status == 409 && answer.ID != "":
		return receipt, nil
	case f == nil && (!valid || answer.ID == "") && a.flaw != trustsStatus:
		return receipt, &bots.Fault{Kind: bots.Unsure}
	case f == nil:
		return receipt, nil
	case ex.Status == 404 && a.flaw != misclassifies:
		f.Kind, f.Subject = bots.Gone, bots.Target
	}
	a.spoilFault(f, ex, answer.Error, err)
	return bots.Receipt{ID: cmp.Or(answer.ID, "7")}, f
}

// spoilFault does to a fault what some adapters do.
func (a *adapter) spoilFault(f *bots.Fault, ex *bots.Exchange, words string, err error) {
	switch a.flaw {
	case leaks:
		f.Detail = fmt.Sprint(err)
	case longDetail:
		f.Detail = words
	case losesWords:
		f.Detail = ""
	case ignoresWait:
		if f.Kind == bots.RateLimited {
			f.Until = time.Now().Add(time.Minute)
		}
	case earlySecond:
		if f.Kind == bots.RateLimited {
			f.Until = f.Until.Add(-time.Second)
		}
	case certain:
		if f.Kind == bots.Unsure {
			f.Kind = bots.Rejected
		}
	case unsureIfRefused:
		if ex.Status == 0 {
			f.Kind = bots.Unsure
		}
	}
}
