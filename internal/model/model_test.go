package model

import (
	"cmp"
	randtext "crypto/rand"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/templates"
)

var (
	seed    = flag.Uint64("seed", 0, "play only the script of this seed")
	scripts = flag.Int("scripts", 0, "scripts to play, however long it takes; otherwise for some seconds")
	from    = flag.Uint64("from", 1, "seed of the first script; 0 for a random one")
	file    = flag.String("script", "", "play only the script in this file")
	verbose = flag.Bool("story", false, "tell the story of the script that is played")
)

// stage is what all scripts share.
type stage struct {
	texts *templates.Set
	empty func() (url string, done func(), err error) // an empty database
	draw  func(seed uint64) script
	dir   string // of files beside the databases
}

func newStage(t *testing.T, empty func() (string, func(), error), draw func(uint64) script) *stage {
	t.Helper()
	texts, err := templates.Load("", []string{"en"})
	if err != nil {
		t.Fatal(err)
	}
	return &stage{texts: texts, empty: empty, draw: draw, dir: memory(t)}
}

// run plays a script once. It returns what was wrong, and the story.
func (s *stage) run(t *testing.T, sc script) (story string, err error) {
	url, done, err := s.empty()
	if err != nil {
		return "", err
	}
	defer done()
	dir := filepath.Join(s.dir, randtext.Text())
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	synctest.Test(t, func(*testing.T) {
		var w *world
		if w, err = newWorld(sc, s.texts, url, dir); err != nil {
			return
		}
		defer w.close()
		err = w.play()
		if err != nil {
			w.tell("%s", w.stands())
		}
		story = strings.Join(w.story, "\n")
	})
	return story, err
}

// TestScripts plays the scripts of many seeds: the same each time, so that what
// fails is the fault of what was changed, unless others are asked for.
func TestScripts(t *testing.T) { newStage(t, files(t), draw).playAll(t) }

// TestScriptsOnPostgres plays the same there.
func TestScriptsOnPostgres(t *testing.T) { newStage(t, schemas(t), draw).playAll(t) }

// playAll plays several scripts at once, more than there are processors, since
// most of them wait for their database.
func (s *stage) playAll(t *testing.T) {
	t.Helper()
	switch {
	case *file != "":
		text, err := os.ReadFile(*file)
		if err != nil {
			t.Fatal(err)
		}
		s.one(t, text)
		return
	case *seed != 0:
		s.try(t, *seed)
		return
	}
	first := cmp.Or(*from, rand.Uint64()>>16)
	enough := time.Now().Add(10 * time.Second)
	t.Logf("playing from seed %d; -seed plays one", first)
	var next atomic.Uint64
	var workers sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for !t.Failed() && (*scripts > 0 || time.Now().Before(enough)) {
				n := next.Add(1) - 1
				if *scripts > 0 && n >= uint64(*scripts) {
					return
				}
				s.try(t, first+n)
			}
		})
	}
	workers.Wait()
	t.Logf("played %d scripts", min(next.Load(), cmp.Or(uint64(*scripts), next.Load())))
}

// try plays the script of a seed, and shortens it if something is wrong.
func (s *stage) try(t *testing.T, seed uint64) {
	sc := s.draw(seed)
	story, err := s.run(t, sc)
	if *verbose {
		t.Log(story)
	}
	if err == nil {
		return
	}
	short := s.shorten(t, sc)
	story, again := s.run(t, short)
	t.Errorf("seed %d: %v\nshortened to\n%s\nwhich gives: %v\n%s", seed, err, short, again, story)
}

// one plays a script that was kept.
func (s *stage) one(t *testing.T, text []byte) {
	t.Helper()
	sc, err := parseScript(text)
	if err != nil {
		t.Fatal(err)
	}
	story, err := s.run(t, sc)
	if err != nil || *verbose {
		t.Log(story)
	}
	if err != nil {
		t.Error(err)
	}
}

// TestKnownScripts plays those that once went wrong.
func TestKnownScripts(t *testing.T) { newStage(t, files(t), nil).playKnown(t) }

// TestKnownScriptsOnPostgres plays the same there.
func TestKnownScriptsOnPostgres(t *testing.T) { newStage(t, schemas(t), nil).playKnown(t) }

func (s *stage) playKnown(t *testing.T) {
	t.Helper()
	found, err := filepath.Glob("testdata/*.script")
	if err != nil || len(found) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, f := range found {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".script"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			s.one(t, text)
		})
	}
}

// shorten leaves out acts and channels as long as something is still wrong.
func (s *stage) shorten(t *testing.T, sc script) script {
	fails := func(c script) bool {
		for range 2 { // what happens at the same moment happens in any order
			if _, err := s.run(t, c); err != nil {
				return true
			}
		}
		return false
	}
	for size := len(sc.Acts) / 2; size >= 1; {
		cut := false
		for from := 1; from+size <= len(sc.Acts); {
			c := sc
			c.Acts = append(append([]act{}, sc.Acts[:from]...), sc.Acts[from+size:]...)
			if fails(c) {
				sc, cut = c, true
			} else {
				from++
			}
		}
		if !cut {
			size /= 2
		}
	}
	for i := 0; len(sc.Channels) > 1 && i < len(sc.Channels); {
		c := sc
		c.Channels = append(append([]string{}, sc.Channels[:i]...), sc.Channels[i+1:]...)
		if uses(c) && fails(c) {
			sc = c
		} else {
			i++
		}
	}
	return sc
}

// uses reports whether every act is about a channel that there is.
func uses(sc script) bool {
	for _, a := range sc.Acts {
		ok := a.Channel == "" || strings.HasPrefix(a.Channel, "INC-")
		for _, name := range sc.Channels {
			ok = ok || a.Channel == name
		}
		if !ok {
			return false
		}
	}
	return true
}
