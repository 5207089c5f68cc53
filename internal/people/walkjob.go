package people

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// A job is a batch that is being sent.
type job struct {
	batch   *Batch
	version int64  // of the walk, when it was opened
	sheet   *sheet // nil where nothing is to be known of it after a crash

	ctx      context.Context // ends when nothing more of it is to be begun
	cancel   context.CancelFunc
	left     atomic.Int64  // people that are not done with
	finished []atomic.Bool // who is, of those that were begun
	fed      atomic.Int64  // when the last one was handed on, in nanoseconds; 0 before
	taken    atomic.Bool   // the platform took a message
	failed   atomic.Int32  // people whose messages it refused for good
	mu       sync.Mutex
	why      string    // of the last one that failed
	trouble  time.Time // until when the account is to rest
}

func newJob(ctx context.Context, b *Batch, version int64) *job {
	j := &job{batch: b, version: version, finished: make([]atomic.Bool, len(b.People))}
	if b.Row != 0 { // which goes on for long; whoever waits is left by himself
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

// late reports whether a group that has to wait until a time is left to another
// batch at once.
func (j *job) late(until time.Time) bool {
	return j.batch.Again || until.After(time.Now().Add(patience))
}

// longer is how long to wait after having waited in vain, twice as long each time.
func longer(was, first, most time.Duration) time.Duration { return min(max(2*was, first), most) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// attempt makes one request. It returns true when another should be made.
func (s *sender) attempt(t *task) (another bool) {
	j, n, p := t.job, t.n, t.person()
	if s.outage.holds(j.batch.At) {
		j.cancel()
	}
	if s.pass(j.ctx) != nil {
		return false
	}
	began := time.Now()
	message, err := s.request(t)
	ended := time.Now()
	var f *bots.Fault
	if err != nil {
		f = bots.AsFault(err)
	}
	t.place.Came(ended, f)
	if s.outage.heard(f, began) {
		s.tell()
	}
	if f == nil {
		s.learn(ended.Sub(began))
		s.paid(t)
		s.flows(p, nil)
		j.taken.Store(true)
		j.mark(n, answered, message)
		p.Result, p.Message = Told, message
		return false
	}
	switch f.Kind {
	case bots.Unsure: // it is left
	case bots.Temporary:
		j.mark(n, fresh, 0)
	default:
		j.mark(n, denied, 0)
	}
	if f.Kind == bots.Temporary && (j.ctx.Err() != nil || s.away(j, p)) { // it was not to leave any more
		return false
	}
	s.flows(p, f)
	another = s.refused(t, f)
	if p.leaves() {
		s.left.note(p)
	}
	return another
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

// paid notes what a message that arrived says of the money.
func (s *sender) paid(t *task) {
	switch {
	case t.pays():
		s.purse.took(time.Now())
	case !t.refused.IsZero():
		s.purse.refused(t.refused, time.Now(), t.why)
		s.tell()
	}
}

// errGone keeps a message from leaving: whom it is for has left.
var errGone = errors.New("he has left")

// request makes the request. Whatever was begun is waited for.
func (s *sender) request(t *task) (int64, error) {
	j, n, p, pays, tempo := t.job, t.n, t.person(), t.pays(), even
	if pays {
		tempo = paid
	}
	leaves := func() error { // it may be called late, when t is over
		gone := false
		err := s.leave(j.ctx, func(now time.Time) {
			if _, gone = s.left.of(p, j.batch.At); gone {
				return
			}
			s.Journal.began(now, tempo)
			if j.sheet != nil {
				j.sheet.leaves(n, p.Subscriber)
			}
		})
		if gone {
			return errGone
		}
		return err
	}
	if e := p.Edit; e != nil {
		op := bots.Operation{Action: bots.Edit, Target: strconv.FormatInt(chat(p), 10), Message: strconv.FormatInt(e.Message, 10), Text: e.Text}
		if e.Delete {
			op.Action, op.Text = bots.Delete, ""
		}
		_, err := s.Bot.Do(bots.BeforeSend(s.life, leaves), op)
		return e.Message, err
	}
	to := bots.Address{Chat: chat(p), Topic: p.Topic, ReplyTo: p.ReplyTo, Paid: pays, Leaves: leaves}
	return s.courier.Deliver(s.life, p.parcel(), to)
}

// refused deals with a fault. It returns true when the person should be tried
// again at once: he then waits for his turn.
func (s *sender) refused(t *task, f *bots.Fault) (another bool) {
	j, p := t.job, t.person()
	state, gone := Left(f)
	switch {
	case f.Kind == bots.RateLimited: // the account now waits as long as it was told to
		if t.pays() && chat(p) > 0 && s.purse.waited(f.Until, time.Now(), reason(f)) {
			s.tell()
			return false // he waits for a batch that costs nothing
		}
		if t.pays() && chat(p) > 0 && time.Until(f.Until) > patience { // nothing is set aside meanwhile for what does not leave
			j.rest(time.Until(f.Until))
			return false
		}
		if chat(p) < 0 && j.late(f.Until) {
			p.Result = Late
			return false
		}
		return true
	case f.Kind == bots.Moved && p.Edit == nil && p.To == 0:
		return s.follow(j, p, chatID(f.To))
	case f.Kind == bots.Moved && p.Edit != nil: // it stays as it is, where he was
		p.Result = Away
		s.moved(j, p, chatID(f.To))
	case p.Topic != 0 && topicShut(f): // what was said there cannot be answered from elsewhere
		p.Topic = 0
		p.alone()
		return true
	case f.Kind == bots.Gone && f.Subject == bots.Parent && p.ReplyTo != 0:
		p.Orphan = p.ReplyTo
		p.alone()
		return true
	case f.Kind == bots.Unsure && p.Edit == nil:
		p.Result, p.Detail = Unsure, f.Error()
	case gone && state == Blocked:
		p.Result = Barred
	case gone:
		p.Result = Vanished
	case f.Kind == bots.Temporary:
		j.rest(troubled)
	case f.Kind == bots.Unsure: // an edit, which may be repeated
		p.Result, p.Detail = Late, f.Error()
	case chat(p) < 0 && (f.Kind == bots.Unauthorized && f.Subject == bots.Target || topicShut(f)): // what is closed is the general topic
		p.Result = Away
	case f.Kind == bots.Unauthorized && f.Subject == bots.Account:
		s.Log.Error("an audience cannot be written to", "channel", s.Channel.Name, "fault", f.Error())
		j.rest(barredFor)
	case p.Edit != nil && p.Edit.Delete && f.Kind == bots.Rejected: // nobody is to read what is there
		p.Edit.Delete = false
		return true
	case p.Edit != nil: // it is gone, or can no longer be changed
		p.Result = Told
	case t.pays(): // it may be for the money
		p.Free, t.refused, t.why = true, time.Now(), reason(f)
		return true
	default:
		p.Result, p.Detail = Failed, f.Error()
		if f.Kind == bots.Rejected { // and not who he is
			j.fails(f)
		}
	}
	return false
}
