package sim

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestServerGoesDownAndComesBack(t *testing.T) {
	server, err := Serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "here") }))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	url := server.URL
	get := func() error {
		resp, err := http.Get(url)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	for range 3 {
		if err := get(); err != nil {
			t.Fatalf("up: %v", err)
		}
		server.Down()
		server.Down() // nothing more happens
		if err := get(); err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Fatalf("down: %v", err)
		}
		if err := server.Up(); err != nil {
			t.Fatal(err)
		}
		if server.URL != url {
			t.Fatalf("came back at %s, was %s", server.URL, url)
		}
	}
}

func TestServerDropsConnections(t *testing.T) {
	ended := make(chan struct{})
	server, err := Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hijack" {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			io.WriteString(conn, "yours\n")
			return // the connection stays open
		}
		io.WriteString(w, "wait\n")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(ended)
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()

	hijacked, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer hijacked.Close()
	io.WriteString(hijacked, "GET /hijack HTTP/1.1\r\nHost: x\r\n\r\n")
	lines := bufio.NewReader(hijacked)
	if line, err := lines.ReadString('\n'); line != "yours\n" {
		t.Fatalf("%q, %v", line, err)
	}
	resp, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()

	server.Down()
	<-ended
	if b, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("the answer ended well: %q", b)
	}
	if b, err := lines.ReadByte(); err == nil {
		t.Errorf("the hijacked connection is alive: %q", b)
	}
}
