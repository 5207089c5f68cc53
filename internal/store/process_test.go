package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
)

// The environment that makes this test binary another process on the database.
const (
	roleVar = "ALLCLEAR_STORE_TEST" // hold: begin an attempt and wait to be killed; open: only try to open
	fileVar = "ALLCLEAR_STORE_FILE"
)

func TestMain(m *testing.M) {
	ctx, url := context.Background(), "sqlite:"+os.Getenv(fileVar)
	switch os.Getenv(roleVar) {
	case "hold":
		fmt.Println(holdAttempt(ctx, url))
		select {} // until it is killed
	case "open":
		s, err := Open(ctx, url)
		if err == nil {
			err = s.Close()
		}
		fmt.Println(err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// holdAttempt opens an incident and begins to post it.
func holdAttempt(ctx context.Context, url string) error {
	s, err := Open(ctx, url)
	if err != nil {
		return err
	}
	i := anIncident()
	_, err = s.Change(ctx, "key", func(tx desk.Tx) ([]byte, error) {
		if err := tx.Create(i); err != nil {
			return nil, err
		}
		return []byte("done"), tx.Deliver(i.Ref, xChannel, anEntry(1))
	})
	if err != nil {
		return err
	}
	lease, _, err := s.Claim(ctx, "birds", time.Hour)
	if err != nil {
		return err
	}
	lanes, err := s.Lanes(ctx, i.Ref)
	if err != nil {
		return err
	}
	_, err = s.begin(ctx, lease, lanes[0])
	return err
}

// other starts this binary in a role on a file, and returns it with the first
// line that it prints.
func other(t *testing.T, role, file string, change ...func(*exec.Cmd)) (*exec.Cmd, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, exe)
	cmd.Env = append(os.Environ(), roleVar+"="+role, fileVar+"="+file)
	cmd.Stderr = os.Stderr
	for _, f := range change {
		f(cmd)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("role %s: %v", role, err)
	}
	return cmd, strings.TrimSpace(line)
}

// A process that is killed leaves the file free at once, with everything that
// it had answered and the attempt whose outcome nobody knows.
func TestKilled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "allclear.db")
	holder, line := other(t, "hold", file)
	if line != "<nil>" {
		t.Fatal(line)
	}
	if s, err := Open(t.Context(), "sqlite:"+file); err == nil {
		s.Close()
		t.Fatal("two processes have the file open")
	} else if !strings.Contains(err.Error(), "in use by another allclear") {
		t.Fatal(err)
	}
	if err := holder.Process.Kill(); err != nil { // SIGKILL
		t.Fatal(err)
	}
	holder.Wait()

	s := mustOpen(t, file)
	if answer, err := s.Change(t.Context(), "key", func(desk.Tx) ([]byte, error) { t.Error("the command is run again"); return nil, nil }); string(answer) != "done" {
		t.Errorf("answer %q, %v", answer, err)
	}
	open, err := s.Unanswered(t.Context(), "birds")
	if err != nil || len(open) != 1 || !open[0].Began.Equal(noon) || open[0].Step.Op.Text != "Down." || open[0].Step.Op.Nonce != "n" {
		t.Fatalf("unanswered %+v, %v", open, err)
	}
	lease := s.mustClaim(t, "birds") // though the dead one had it for an hour
	if l := s.mustLane(t, open[0].Lane); len(l.Entries) != 1 {
		t.Errorf("lane %+v", l)
	} else if err := s.sent(t.Context(), lease, l, open[0].ID); err != nil {
		t.Error(err)
	}
	if open, err := s.Unanswered(t.Context(), "birds"); len(open) != 0 || err != nil {
		t.Errorf("unanswered %+v, %v", open, err)
	}
	if lost := (broadcast.Lease{Account: "birds", Epoch: lease.Epoch - 1}); s.Release(t.Context(), lost) != nil || s.mustClaim(t, "birds") != lease {
		t.Error("a dead process's lease can be released by mistake for the new one")
	}
}

func TestInUseElsewhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "allclear.db")
	mustOpen(t, file)
	if _, line := other(t, "open", file); line != file+" is in use by another allclear: stop that one, or use another file" {
		t.Error(line)
	}
}
