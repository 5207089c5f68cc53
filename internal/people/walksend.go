package people

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
)

// A sender sends jobs, one after the other, with as many requests in flight as
// it takes. One of its workers leads: it takes the next person, waits until it
// is his turn, hands the lead on and sends. So where nothing limits the pace a
// worker that has its answer goes on by itself, and nobody is woken for a
// message.
type sender struct {
	*Walker
	lease broadcast.Lease
	life  context.Context // answers are awaited beyond a job's own
	end   context.CancelFunc
	jobs  chan *job
	news  chan struct{} // capacity 1: a job has ended, or is nearly done
	lead  chan *lead    // capacity 1; closed after the last job
	idle  atomic.Int32  // workers that wait for the lead
	group sync.WaitGroup
	took  atomic.Int64 // answer time, smoothed, in nanoseconds
}

// A lead is what the worker that leads knows.
type lead struct {
	job     *job // nil between jobs
	next    int  // of its people
	workers int
}

// A task is one person to be told.
type task struct {
	job   *job
	n     int
	place broadcast.Place
	turn  bool // place is taken

	refused time.Time // when what was to be paid was, so that it goes at no cost; zero where it was not
	why     string
}

func (t *task) person() *Person { return &t.job.batch.People[t.n] }

// pays reports whether the message is paid for; edits never are.
func (t *task) pays() bool { return t.job.batch.Paid && !t.person().Free }

func newSender(ctx context.Context, w *Walker, lease broadcast.Lease, news chan struct{}) *sender {
	s := &sender{Walker: w, lease: lease, jobs: make(chan *job, sheets), news: news, lead: make(chan *lead, 1)}
	s.life, s.end = broadcast.Graceful(ctx, grace)
	s.lead <- &lead{workers: 1}
	s.group.Go(s.work)
	return s
}

// grace is how long answers are waited for when the walker stops.
const grace = 5 * time.Second

// fastest is the pace at which people are told at most.
func (w *Walker) fastest() bots.Pace {
	if w.Paid > 0 {
		return w.PaidPace
	}
	return w.pace
}

// inFlight is how many requests wait for answers at most: by Little's law, with
// answers within a second.
func (w *Walker) inFlight() int {
	if w.InFlight > 0 {
		return w.InFlight
	}
	pace := w.fastest()
	if pace.N <= 0 {
		return 64
	}
	return max(16, int(1.2*pace.Rate()))
}

func (s *sender) send(j *job) { s.jobs <- j }

// stop waits until everything that was begun has its answer.
func (s *sender) stop() {
	close(s.jobs)
	s.group.Wait()
	s.end()
}

func (s *sender) tell() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// answerTime is how long answers take.
func (s *sender) answerTime() time.Duration { return time.Duration(s.took.Load()) }

// work leads and sends in turn, until there are no more jobs. A worker that
// hands the lead on sees to it that there is another to take it.
func (s *sender) work() {
	for {
		s.idle.Add(1)
		l, ok := <-s.lead
		s.idle.Add(-1)
		if !ok {
			return
		}
		t, ok := s.next(l)
		if !ok {
			close(s.lead)
			return
		}
		if s.idle.Load() == 0 && l.workers < s.inFlight() {
			l.workers++
			s.group.Go(s.work)
		}
		s.lead <- l
		s.do(t)
	}
}

// next takes the next person, when it is his turn. It returns false when there
// are no more jobs.
func (s *sender) next(l *lead) (task, bool) {
	for {
		if l.job == nil {
			j, ok := <-s.jobs
			if !ok {
				return task{}, false
			}
			l.job, l.next = j, 0
		}
		j := l.job
		t, err := task{job: j, n: l.next}, j.ctx.Err()
		if err == nil {
			t.place, err = s.turn(j.ctx, &t, true)
			t.turn = err == nil
		}
		if errors.Is(err, broadcast.ErrRests) { // he waits by himself, and keeps nobody else waiting
			err = nil
		}
		l.next++
		if err != nil { // nobody else of it is told now
			s.done(j, len(j.batch.People)-t.n)
			l.next = len(j.batch.People)
		}
		if l.next == len(j.batch.People) {
			l.job = nil
			j.fed.Store(time.Now().UnixNano())
			s.tell()
		}
		if err == nil {
			return t, true
		}
	}
}

// chat is where a person is written to.
func chat(p *Person) int64 { return cmp.Or(p.To, p.Chat) }

// turn waits until a person may be written to.
func (s *sender) turn(ctx context.Context, t *task, pass bool) (broadcast.Place, error) {
	j := t.job
	wish := broadcast.Wish{Class: broadcast.Audience, Person: chat(t.person()), Since: j.batch.At, Pass: pass, Free: !t.refused.IsZero()}
	if j.batch.Row != 0 {
		wish.Class = broadcast.Reword
	}
	return s.Road.Turn(ctx, wish)
}

// wait has a person wait by himself until he may be written to, while others go on.
// Where that takes too long he is late.
func (s *sender) wait(t *task) (err error) {
	p, ctx := t.person(), t.job.ctx
	if p.Edit != nil {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, patience)
		defer end()
	}
	t.place, err = s.turn(ctx, t, false)
	if errors.Is(err, context.DeadlineExceeded) && (p.Edit != nil || chat(p) < 0) {
		p.Result = Late
	}
	return err
}

// do deals with one person, until he is told or it is clear that he will not be.
func (s *sender) do(t task) {
	j, p := t.job, t.person()
	for try := 1; try <= maxTries; try++ {
		if !t.turn {
			if try == 1 && j.batch.Again && (p.Edit != nil || chat(p) < 0) { // he still has to wait
				p.Result = Late
				break
			}
			if s.wait(&t) != nil {
				break
			}
		}
		t.turn = false
		was := chat(p)
		if s.away(j, p) {
			break
		}
		if chat(p) == was && !s.attempt(&t) { // where he moved to he may just have been written to
			break
		}
	}
	j.finished[t.n].Store(true)
	s.done(j, 1)
}

// away reports whether a person left since he was gathered, and follows him where
// he only moved. Where that fails he waits.
func (s *sender) away(j *job, p *Person) bool {
	to, gone := s.left.of(p, j.batch.At)
	if to != 0 && p.Edit != nil { // his message is where he was
		p.move(to)
		gone = true
	}
	if gone {
		p.Result = Away
		return true
	}
	return to != 0 && to != p.To && !s.follow(j, p, to)
}

// done counts people who are done with.
func (s *sender) done(j *job, people int) {
	if j.left.Add(-int64(people)) == 0 {
		j.cancel()
		s.tell()
	}
}
