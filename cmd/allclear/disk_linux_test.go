package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/web"
)

// A disk is a small file system of its own, which can be filled.
type disk struct {
	t   *testing.T
	dir string
}

// newDisk mounts one in memory; where that is not allowed the test is skipped.
// It has more room than readiness asks for.
func newDisk(t *testing.T) *disk {
	t.Helper()
	return newDiskAt(t, t.TempDir())
}

// newDiskAt mounts one in a folder.
func newDiskAt(t *testing.T, dir string) *disk {
	t.Helper()
	d := &disk{t: t, dir: dir}
	if err := syscall.Mount("tmpfs", d.dir, "tmpfs", 0, fmt.Sprintf("size=%d", diskFull*2)); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *disk) filler() string { return filepath.Join(d.dir, "filler") }

// fill leaves not a byte.
func (d *disk) fill() {
	d.t.Helper()
	f, err := os.Create(d.filler())
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for block := bytes.Repeat([]byte("full"), 1024); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatal(err)
	}
}

func (d *disk) makeRoom() {
	d.t.Helper()
	if err := os.Remove(d.filler()); err != nil {
		d.t.Fatal(err)
	}
}

// onDisk is a server whose database is on a disk, and its configuration.
func onDisk(t *testing.T, d *disk, change ...string) (*server, string) {
	t.Helper()
	s := newServer(t, change...)
	s.toml = strings.Replace(s.toml, "sqlite:demo.db", "sqlite:"+filepath.Join(d.dir, "demo.db"), 1)
	file := s.configFile()
	s.running = &running{moved: make(chan struct{})}
	return s, file
}

// The disk fills up while posts are under way and others have to wait: from then
// on nothing is accepted that is not kept, readiness says why, and when there is
// room again everything that was accepted arrives, once.
func TestDiskFillsUpAndHasRoomAgain(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s, file := onDisk(t, d, append(append(noRoom, fast...), english...)...)
	s.url = serveProcess(t, file).url
	s.until("ready", func() bool { status, _ := s.readiness(); return status == http.StatusOK })
	s.world.Discord.Faults.Add(sim.Fault{Match: "POST /discord/api/v9/channels/" + demoNews, Kind: "slow", Spread: sim.Duration(3 * time.Second)})
	s.world.X.Faults.Add(sim.Fault{Match: "POST /2/tweets", Kind: "status", Status: 429, RetryAfter: sim.Duration(5 * time.Second)})
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
	s.until("on its way", func() bool { return len(s.feed("discord")) == 1 })
	d.fill()

	// What the files had room for is accepted and kept; then they are full.
	accepted, refusal := 1, error(nil)
	for refusal == nil && accepted < 5000 {
		if _, refusal = s.run("update", "INC-1", strings.Repeat("It takes longer than we thought. ", 50)); refusal == nil {
			accepted++
		}
	}
	if refusal == nil || !strings.Contains(refusal.Error(), "exit 1") || strings.Count(strings.TrimSpace(refusal.Error()), "\n") > 0 {
		t.Fatalf("refused on a full disk with %v, want one line", refusal)
	}
	t.Logf("%d accepted, then: %v", accepted, refusal)
	s.until("not ready, and why", func() bool {
		status, checks := s.readiness()
		return status == http.StatusServiceUnavailable && checks["disk"].State == web.CheckFailed && strings.Contains(checks["disk"].Detail, "make room on the disk")
	})

	d.makeRoom()
	s.until("ready again", func() bool { status, _ := s.readiness(); return status == http.StatusOK })
	s.must("resolve", "INC-1", "Everything works again.")
	s.settled("INC-1")
	shown := s.must("show", "INC-1", "--json")
	if got := len(regexp.MustCompile(`"ref": ?"INC-1/\d+"`).FindAllString(shown, -1)); got != accepted+1 {
		t.Errorf("%d updates are kept, %d were accepted:\n%s", got, accepted+1, shown)
	}
	for _, p := range platforms {
		if got := s.state(fmt.Sprintf("INC-1/%d", accepted+1), p); got != "sent" {
			t.Errorf("%s: the last is %s", p, got)
		}
		texts := s.texts(p)
		if first, last := texts[0], texts[len(texts)-1]; !strings.Contains(first, "Nobody can log in") && p != "x" || !strings.Contains(last, "Everything works again") {
			t.Errorf("%s begins with %q and ends with %q", p, first, last)
		}
		for n := 1; n <= accepted+1; n++ {
			mark := fmt.Sprintf("INC-1/%d ·", n)
			if times := strings.Count(strings.Join(texts, "\n"), mark); times > 1 || times == 0 && s.state(fmt.Sprintf("INC-1/%d", n), p) != "superseded" {
				t.Errorf("%s is on %s %d times", mark, p, times)
			}
		}
	}
}

// damage overwrites the page of the database that has the words of an update.
func damage(t *testing.T, d *disk) {
	t.Helper()
	file := filepath.Join(d.dir, "demo.db")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const size = 4096
	page := bytes.Index(content, []byte("Nobody can log in")) / size * size
	if page == 0 {
		t.Fatal("the words are not in the file")
	}
	copy(content[page:page+size], bytes.Repeat([]byte{0xa5}, size))
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A database that cannot be written, or is none, is one line, and nothing else
// is touched.
func TestServeRefusesAnUnusableDatabase(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(t *testing.T, d *disk)
		says  string
	}{
		"full": {func(_ *testing.T, d *disk) { d.fill() }, "make room on the disk"},
		"read-only": {func(t *testing.T, d *disk) {
			if err := syscall.Mount("", d.dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
		}, "check that this user may write to the file and its folder"},
		"no database": {func(t *testing.T, d *disk) {
			if err := os.WriteFile(filepath.Join(d.dir, "demo.db"), bytes.Repeat([]byte("not a database. "), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "this is some other file: change the store's url"},
		"damaged": {damage, "the file is damaged: restore a backup"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			s, file := onDisk(t, d, noRoom...)
			if name != "full" { // there, the first start has no room
				p := serveProcess(t, file)
				s.url = p.url
				s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
				s.settled("INC-1")
				p.terminate()
			}
			c.spoil(t, d)
			_, err := s.run("serve", "-c", file)
			if err == nil || !strings.Contains(err.Error(), "exit 1") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("serve: %v, want %q", err, c.says)
			}
		})
	}
}
