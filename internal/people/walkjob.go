package people

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
)

// A job is a batch that is being sent.
type job struct {
	batch   *Batch
	version int64 // of the walk, when it was opened
	sheet   *sheet
	paid    bool

	ctx     context.Context // ends when nothing more of it is to be begun
	cancel  context.CancelFunc
	life    context.Context // of the walker: answers are awaited beyond the job's own
	left    atomic.Int64    // people that are not done with
	fed     atomic.Int64    // when the last one was handed on, in nanoseconds; 0 before
	mu      sync.Mutex
	trouble time.Time // until when the account is to rest
}

func newJob(ctx context.Context, b *Batch, version int64, paid bool) *job {
	j := &job{batch: b, version: version, paid: paid, life: ctx}
	if b.Row != 0 {
		j.ctx, j.cancel = context.WithCancel(ctx)
	} else { // who waits for long is looked up again, for he may have gone
		j.ctx, j.cancel = context.WithTimeout(ctx, patience)
	}
	j.left.Store(int64(len(b.People)))
	return j
}

// ended reports whether everybody in the job is done with.
func (j *job) ended() bool { return j.left.Load() == 0 }

// slow reports whether only late answers are missing.
func (j *job) slow() bool {
	fed := j.fed.Load()
	return j.ended() || fed != 0 && time.Since(time.Unix(0, fed)) > slowAfter
}

// rest has the account rest: nothing more of the job is begun.
func (j *job) rest(d time.Duration) {
	j.mu.Lock()
	j.trouble = later(j.trouble, time.Now().Add(d))
	j.mu.Unlock()
	j.cancel()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// A sender sends jobs, one after the other, with as many requests in flight as
// it takes.
type sender struct {
	*Walker
	jobs  chan *job
	news  chan struct{} // capacity 1: a job has ended, or is nearly done
	free  chan struct{} // a token for each request that may be in flight
	hand  chan task     // to an idle worker
	group sync.WaitGroup
	took  atomic.Int64 // answer time, smoothed, in nanoseconds
}

type task struct {
	job   *job
	n     int
	place broadcast.Place
	turn  bool // place is taken
}

func newSender(w *Walker) *sender {
	s := &sender{Walker: w, jobs: make(chan *job, sheets), news: make(chan struct{}, 1), free: make(chan struct{}, w.inFlight()), hand: make(chan task)}
	s.group.Go(s.feed)
	return s
}

// inFlight is how many requests wait for answers at most: by Little's law, with
// answers within a second.
func (w *Walker) inFlight() int {
	if w.InFlight > 0 {
		return w.InFlight
	}
	pace := w.pace
	if w.Paid > 0 {
		pace = paidPace()
	}
	if pace.N <= 0 {
		return 64
	}
	return max(16, int(1.2*float64(pace.N)/pace.Per.Seconds()))
}

func (s *sender) send(j *job) { s.jobs <- j }

// stop waits until everything that was begun has its answer.
func (s *sender) stop() {
	close(s.jobs)
	s.group.Wait()
}

func (s *sender) tell() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// answerTime is how long answers take.
func (s *sender) answerTime() time.Duration { return time.Duration(s.took.Load()) }

// feed hands the people of one job after the other to workers, when it is
// their turn.
func (s *sender) feed() {
	defer close(s.hand)
	for j := range s.jobs {
		for n := range j.batch.People {
			s.free <- struct{}{}
			t := task{job: j, n: n}
			if s.rests(j, n) <= 0 { // otherwise he must not keep others waiting
				var err error
				if t.place, err = s.turn(j, n); err == nil {
					t.turn = true
				}
			}
			s.work(t)
		}
		j.fed.Store(time.Now().UnixNano())
		s.tell()
	}
}

func (s *sender) rests(j *job, n int) time.Duration {
	if j.batch.Row != 0 {
		return 0
	}
	return s.Roads.Rests(s.Channel.Account, chat(&j.batch.People[n]))
}

// chat is where a person is written to.
func chat(p *Person) string {
	if p.To != 0 {
		return strconv.FormatInt(p.To, 10)
	}
	return strconv.FormatInt(p.Chat, 10)
}

func (s *sender) turn(j *job, n int) (broadcast.Place, error) {
	class := broadcast.Audience
	if j.batch.Row != 0 {
		class = broadcast.Amend
	}
	return s.Roads.Turn(j.ctx, s.Channel.Account, class, chat(&j.batch.People[n]), j.batch.At)
}

// work hands a task to an idle worker, or to a new one.
func (s *sender) work(t task) {
	select {
	case s.hand <- t:
	default:
		s.group.Go(func() {
			s.do(t)
			for t := range s.hand {
				s.do(t)
			}
		})
	}
}

// do deals with one person, until he is told or it is clear that he will not be.
func (s *sender) do(t task) {
	j, p := t.job, &t.job.batch.People[t.n]
	for try := 1; try <= maxTries; try++ {
		if !t.turn {
			var err error
			if t.place, err = s.turn(j, t.n); err != nil {
				break
			}
		}
		t.turn = false
		if !s.attempt(j, t.n, p, t.place) {
			break
		}
	}
	<-s.free
	if left := j.left.Add(-1); left == 0 {
		j.cancel()
		s.tell()
	}
}

// attempt makes one request. It returns true when another should be made.
func (s *sender) attempt(j *job, n int, p *Person, place broadcast.Place) (another bool) {
	var began time.Time
	err := s.begin(j.ctx, func() {
		began = time.Now()
		s.Journal.began(began, p.Edit == nil && !j.paid)
		j.mark(n, intent, 0)
	})
	if err != nil {
		return false
	}
	message, err := s.request(j, n, p)
	var f *bots.Fault
	if err != nil {
		f = bots.AsFault(err)
	}
	place.Came(f)
	if f == nil {
		s.learn(time.Since(began))
		j.mark(n, answered, message)
		p.Result, p.Message = Told, message
		return false
	}
	if f.Kind != bots.Unsure {
		j.mark(n, fresh, 0)
	}
	return s.refused(j, p, f)
}

func (j *job) mark(n int, m mark, message int64) {
	if j.sheet != nil {
		j.sheet.mark(n, m, message)
	}
}

// learn smooths the answer time: up at once, down slowly.
func (s *sender) learn(took time.Duration) {
	old := time.Duration(s.took.Load())
	if took < old {
		took = old - (old-took)/64
	} else {
		took = old + (took-old)/8
	}
	s.took.Store(int64(took))
}

// request makes the request. Whatever was begun is waited for.
func (s *sender) request(j *job, n int, p *Person) (int64, error) {
	ctx, cancel := graceful(j.life)
	defer cancel()
	if e := p.Edit; e != nil {
		op := bots.Operation{Action: bots.Edit, Target: chat(p), Message: strconv.FormatInt(e.Message, 10), Text: e.Text}
		if e.Delete {
			op.Action, op.Text = bots.Delete, ""
		}
		_, err := s.Bot.Do(ctx, op)
		return e.Message, err
	}
	to := bots.Address{Chat: p.Chat, ReplyTo: p.ReplyTo, Paid: j.paid, Leaves: func() { j.mark(n, left, 0) }}
	if p.To != 0 {
		to.Chat = p.To
	}
	return s.courier.Deliver(ctx, p.Parcel, to)
}

// grace is how long answers are waited for when the walker stops.
const grace = 5 * time.Second

func graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return out, func() { stop(); cancel() }
}

// refused deals with a fault. It returns true when the person should be tried
// again at once: he then waits for his turn.
func (s *sender) refused(j *job, p *Person, f *bots.Fault) (another bool) {
	state, gone := Left(f)
	switch {
	case f.Kind == bots.RateLimited: // the account now waits as long as it was told to
		return true
	case f.Kind == bots.Moved && p.Edit == nil && p.To == 0:
		p.To = chatID(f.To)
		return p.To != 0
	case f.Kind == bots.Gone && f.Subject == bots.Parent && p.ReplyTo != 0:
		p.ReplyTo = 0
		return true
	case f.Kind == bots.Unsure && p.Edit == nil:
		p.Result, p.Detail = Unsure, f.Error()
	case gone && state == Blocked:
		p.Result = Barred
	case gone:
		p.Result = Vanished
	case f.Kind == bots.Temporary, f.Kind == bots.Unsure:
		j.rest(troubled)
	case f.Kind == bots.Unauthorized && f.Subject == bots.Account:
		s.Log.Error("an audience cannot be written to", "channel", s.Channel.Name, "fault", f.Error())
		j.rest(barredFor)
	case p.Edit != nil: // it is gone, or can no longer be changed
		p.Result = Told
	default:
		p.Result, p.Detail = Failed, f.Error()
	}
	return false
}
