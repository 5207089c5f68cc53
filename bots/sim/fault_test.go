package sim

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"
)

// faultServer serves a script whose requests, if carried out, are counted and
// answered "0123456789".
func faultServer(t *testing.T, faults ...Fault) (url string, done func() int) {
	t.Helper()
	script, n := new(Faults), make(chan struct{}, 100)
	script.Add(faults...)
	refuse := func(w http.ResponseWriter, _ *http.Request, f Fault) {
		w.WriteHeader(f.Status)
		io.WriteString(w, f.Message)
	}
	server, err := Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		script.play(w, r, refuse, func(w http.ResponseWriter, r *http.Request) {
			n <- struct{}{}
			io.WriteString(w, "0123456789")
		})
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server.URL, func() int { return len(n) }
}

// fetch returns the answer; its status is 0 when none came at all.
func fetch(url string) (status int, body string, err error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestFaultKinds(t *testing.T) {
	for _, test := range []struct {
		fault  Fault
		status int
		body   string // "html" for any page
		broken bool   // the answer does not arrive whole
		done   int    // requests carried out
	}{
		{Fault{}, 200, "0123456789", false, 1},
		{Fault{Kind: "status", Status: 429, Message: "slower"}, 429, "slower", false, 0},
		{Fault{Kind: "html"}, 502, "html", false, 0},
		{Fault{Kind: "html", Status: 504}, 504, "html", false, 0},
		{Fault{Kind: "accept"}, 502, "html", false, 1},
		{Fault{Kind: "body", Body: "{"}, 200, "{", false, 0},
		{Fault{Kind: "body", Status: 201}, 201, "", false, 0},
		{Fault{Kind: "cut"}, 0, "", true, 0},
		{Fault{Kind: "cut-after"}, 0, "", true, 1},
		{Fault{Kind: "truncate"}, 200, "01234", true, 1},
		{Fault{Kind: "slow", Spread: Duration(20 * time.Millisecond)}, 200, "0123456789", false, 1},
		{Fault{Kind: "no such"}, 501, "sim: unknown kind of fault \"no such\"\n", false, 0},
	} {
		url, done := faultServer(t, test.fault)
		status, body, err := fetch(url)
		if test.body == "html" && len(body) > 6 && body[:6] == "<html>" {
			body = "html"
		}
		if status != test.status || body != test.body || (err != nil) != test.broken || done() != test.done {
			t.Errorf("%q: status %d, body %q, error %v, %d carried out", test.fault.Kind, status, body, err, done())
		}
		if status, _, err := fetch(url); status != 200 || err != nil {
			t.Errorf("%q happened twice: %d, %v", test.fault.Kind, status, err)
		}
	}
}

func TestFaultsMatchSkipAndRepeat(t *testing.T) {
	url, _ := faultServer(t,
		Fault{Match: "GET /a", Skip: 1, Times: 2, Kind: "status", Status: 500},
		Fault{Match: "/a", Kind: "status", Status: 501},
		Fault{Match: "/b", Times: -1, Kind: "status", Status: 503},
	)
	for i, step := range []struct {
		path   string
		status int
	}{{"/c", 200}, {"/a", 501}, {"/a", 500}, {"/b", 503}, {"/a", 500}, {"/a", 200}, {"/b", 503}, {"/b", 503}} {
		if status, _, _ := fetch(url + step.path); status != step.status {
			t.Errorf("step %d, %s: %d, want %d", i, step.path, status, step.status)
		}
	}
}

func TestFaultDelays(t *testing.T) {
	url, _ := faultServer(t, Fault{Delay: Duration(30 * time.Millisecond)})
	begin := time.Now()
	if status, _, err := fetch(url); status != 200 || err != nil || time.Since(begin) < 30*time.Millisecond {
		t.Errorf("%d, %v after %s", status, err, time.Since(begin))
	}
}

func TestFaultJSON(t *testing.T) {
	var f Fault
	if err := json.Unmarshal([]byte(`{"match":"x","delay":"1.5s","kind":"slow","spread":"2m"}`), &f); err != nil {
		t.Fatal(err)
	}
	if time.Duration(f.Delay) != 1500*time.Millisecond || time.Duration(f.Spread) != 2*time.Minute {
		t.Errorf("durations: %+v", f)
	}
	if err := json.Unmarshal([]byte(`{"delay":3}`), &f); err == nil {
		t.Error("a duration without unit was accepted")
	}
	b, err := json.Marshal(Fault{Delay: Duration(time.Second)})
	if err != nil || string(b) != `{"delay":"1s"}` {
		t.Errorf("%s, %v", b, err)
	}
}
