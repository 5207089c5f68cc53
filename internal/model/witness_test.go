package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/broadcast"
)

// patience is how long the site waits for an answer, at least.
const patience = 19 * time.Second

// witness stands beside the journal and the platforms, and knows more than
// either: which of the messages that followers see came from which attempt.
// Everything is guarded by the world's mu, but for the story.
type witness struct {
	w        *world
	first    error // what was wrong
	attempts []attempt
	landings map[string]*landing // by platform and id
	order    []*landing
	frozenAt map[string]time.Time
	frozen   map[string]bool // scopes, "" for everything: each freeze was answered
	copies   map[int64]int   // by entry: how often a person had it sent again
	late     map[int64]bool  // entries that may come after newer ones
	skipped  map[int64]bool  // entries that a person gave up
	refusals map[string]bool // platforms that were told to refuse
	reads    map[string]bool // platforms whose answers to reading were spoilt
	limits   map[string]int  // by platform: refusals for a limit that were scripted and are still to come
	paused   map[string]*pause
}

// attempt is what the journal says left.
type attempt struct {
	at      time.Time
	lane    int64
	channel string
	account string
	target  string
	entry   int64
	update  int
	kind    broadcast.EntryKind
	ref     string
	action  bots.Action
	chore   broadcast.ChoreKind
	text    string
}

// landing is a message that a platform took from us.
type landing struct {
	attempt
	platform string
	seen     sim.Seen
	at       time.Time
}

// pause is a limit that a platform has set, as a life of the process heard of
// it. The next lives know of it if it was recorded.
type pause struct {
	life         *life
	account      string
	heard, until time.Time
	recorded     bool
}

func newWitness(w *world) witness {
	return witness{w: w, landings: map[string]*landing{}, frozen: map[string]bool{}, frozenAt: map[string]time.Time{}, copies: map[int64]int{}, late: map[int64]bool{}, skipped: map[int64]bool{},
		refusals: map[string]bool{}, reads: map[string]bool{}, limits: map[string]int{}, paused: map[string]*pause{}}
}

// wrong notes the first thing that is.
func (v *witness) wrong(format string, args ...any) {
	if v.first == nil {
		v.first = fmt.Errorf(format, args...)
		v.w.tell("WRONG: %v", v.first)
	}
}

func (v *witness) complaint() error {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	return v.first
}

// inject scripts a fault.
func (v *witness) inject(platform string, f sim.Fault) {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	if f.Kind == "status" {
		v.refusals[platform] = true
	}
	if f.Status == http.StatusTooManyRequests || f.Delay >= duration(patience) { // what comes when nobody waits for it any more takes a place that nobody knows of
		v.limits[platform] += max(f.Times, 1)
	}
	if f.Kind == "body" || f.Kind == "status" || f.Kind == "html" { // an answer that means something else
		v.refusals[platform] = true
	}
	if f.Match == "" || strings.Contains("GET /2/users /messages", f.Match) {
		v.reads[platform] = true
	}
	switch platform {
	case "telegram":
		v.w.sims.Telegram.Faults.Add(f)
	case "discord":
		v.w.sims.Discord.Faults.Add(f)
	case "x":
		v.w.sims.X.Faults.Add(f)
	case "wechat":
		v.w.sims.WeChat.Faults.Add(f)
	}
}

func (v *witness) mayRepeat(entry int64) {
	v.w.note(func() { v.copies[entry]++; v.late[entry] = true })
}

func (v *witness) gaveUp(entry int64) { v.w.note(func() { v.skipped[entry] = true }) }

// corrected: a text that was refused gets another chance with other words.
func (v *witness) corrected(ref string, update int) {
	v.w.note(func() {
		for _, a := range v.attempts {
			if a.ref == ref && a.update == update {
				v.late[a.entry] = true
			}
		}
	})
}

// accepted is what counted before an attempt was journalled.
type accepted struct {
	frozen    bool
	revisions []int
	retracted map[int]bool
}

// before is what people had been answered when an attempt is about to begin.
func (v *witness) before(l *broadcast.Lane) accepted {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	a := accepted{retracted: map[int]bool{}}
	ref := l.Incident.Ref.String()
	for _, scope := range []string{"", l.Channel.Name, ref} {
		a.frozen = a.frozen || v.frozen[scope]
	}
	for _, i := range v.w.said.incidents {
		if i.ref != ref {
			continue
		}
		a.revisions = slices.Clone(i.updates)
		for n := range i.retracted {
			a.retracted[n] = true
		}
	}
	return a
}

// attempted is told of each attempt that was journalled.
func (v *witness) attempted(known accepted, l *broadcast.Lane, b broadcast.Attempt) {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	op := b.Step.Op
	a := attempt{at: time.Now(), lane: l.ID, channel: l.Channel.Name, account: l.Channel.Account, target: op.Target, entry: b.Step.Entry, ref: l.Incident.Ref.String(),
		action: op.Action, chore: b.Step.Chore, text: op.Text}
	var e *broadcast.Entry
	for i := range l.Entries {
		if l.Entries[i].ID == b.Step.Entry {
			e = &l.Entries[i]
			a.update, a.kind = e.Update, e.Kind
		}
	}
	v.attempts = append(v.attempts, a)
	v.w.tell("begin %s %s %s/%d %s entry %d %s reply=%s thread=%s %.60q", a.channel, a.action, a.ref, a.update, a.kind, a.entry, a.chore, op.ReplyTo, op.Thread, op.Text)
	if known.frozen {
		v.wrong("%s on %s begins although that is frozen", a.action, a.channel)
	}
	if e != nil && l.Incident.Update(e.Update).Retraction != nil {
		known.retracted[e.Update] = true // although nobody was answered yet
	}
	v.checkWords(a, known)
	if a.action == bots.Post && a.chore == broadcast.NoChore {
		v.checkOrder(a)
		v.checkLinks(a, l, e, op)
	}
}

// checkWords: only the newest words are sent, and none that were withdrawn.
func (v *witness) checkWords(a attempt, known accepted) {
	for n := range known.retracted {
		if strings.Contains(a.text, strings.TrimSuffix(mark(a.ref, n, 0), "0.")) {
			v.wrong("withdrawn words of %s/%d leave for %s: %q", a.ref, n, a.channel, a.text)
		}
	}
	if a.text == "" || a.chore != broadcast.NoChore || a.kind == broadcast.Retract || known.retracted[a.update] || a.update > len(known.revisions) {
		return
	}
	if newest := known.revisions[a.update-1]; !containsFrom(a.text, a.ref, a.update, newest) {
		v.wrong("%s/%d leaves for %s with older words than those of revision %d: %q", a.ref, a.update, a.channel, newest, a.text)
	}
}

// containsFrom reports whether a text has the words of a revision or a later one.
func containsFrom(text, ref string, update, revision int) bool {
	for r := revision; r < revision+3; r++ { // later ones may be accepted meanwhile
		if strings.Contains(text, mark(ref, update, r)) {
			return true
		}
	}
	return false
}

// checkOrder: nothing is posted after something newer on its lane.
func (v *witness) checkOrder(a attempt) {
	if a.kind != broadcast.Say || v.late[a.entry] {
		return
	}
	for _, l := range v.order {
		if l.lane == a.lane && l.kind == broadcast.Say && l.update > a.update && !l.seen.Deleted {
			v.wrong("%s/%d leaves for %s after %s/%d is there", a.ref, a.update, a.channel, l.ref, l.update)
		}
	}
}

// checkLinks: a post answers a message of its own incident on its own channel,
// or is in its thread. It begins another thread only if three that it was to
// answer were gone.
func (v *witness) checkLinks(a attempt, l *broadcast.Lane, e *broadcast.Entry, op bots.Operation) {
	own := func(id string) bool {
		return slices.ContainsFunc(v.order, func(x *landing) bool { return x.lane == a.lane && x.seen.ID == id })
	}
	if op.ReplyTo != "" && !own(op.ReplyTo) {
		v.wrong("%s/%d on %s answers %s, which is no message of its incident there", a.ref, a.update, a.channel, op.ReplyTo)
	}
	if op.Thread != "" && l.Limits.Threads == bots.ThreadFromMessage && !own(op.Thread) {
		v.wrong("%s/%d on %s goes into thread %s, which is not that of its incident", a.ref, a.update, a.channel, op.Thread)
	}
	if op.ReplyTo != "" || op.Thread != "" || e.Doubt != nil || l.Limits.Replies == bots.NoReplies {
		return
	}
	v.checkBeginning(a, l, e)
	for i := range l.Entries {
		f := &l.Entries[i]
		if f.ID != e.ID && f.Kind == broadcast.Say && f.Shows.Exists() && f.Shows.Message != "" && !f.Shows.Orphan && f.Shows.Thread == "" && !slices.Contains(l.Closed, f.Shows.Message) && e.Try.Orphaned < 3 {
			v.wrong("%s/%d on %s is not linked to %s/%d, which is there", a.ref, a.update, a.channel, a.ref, f.Update)
		}
	}
}

// recorded is told of each outcome that was recorded.
func (v *witness) recorded(by *life, l *broadcast.Lane, step broadcast.Step, out broadcast.Outcome) {
	// What comes late is recorded only where it settles a doubt.
	if step.Kind == broadcast.Do && out.Fault != nil && out.Fault.Kind == bots.RateLimited && !by.gate.overtaken() {
		v.w.note(func() {
			for _, p := range v.paused {
				p.recorded = p.recorded || p.account == l.Channel.Account && p.life == by && p.heard.Equal(time.Now())
			}
		})
	}
	what := "done " + out.Receipt.ID
	switch {
	case out.Fault != nil:
		what = out.Fault.Error()
	case step.Kind == broadcast.Find:
		what = fmt.Sprintf("looked for: %v", out.Found)
	case step.Kind != broadcast.Do:
		what = fmt.Sprintf("settled as %s", step.Reason)
	}
	v.w.tell("end %s entry %d: %s", l.Channel.Name, step.Entry, what)
}

// ServeHTTP is the network between the site and the platforms.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	platform, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	r, body, err := readAll(r)
	if err != nil {
		return
	}
	life := r.Context().Value(sender{}).(*life) //nolint:forcetypeassert // see newWire
	q := w.crowd.writes(life, r, body)
	left := time.Now()
	time.Sleep(travel[platform])
	keys := limitKeys(platform, r, body)
	w.arrived(life, platform, keys, left)
	life.boundary("arrived", platform)
	rec := &recorder{ResponseWriter: rw, status: http.StatusOK}
	defer func() { // also when the connection is cut
		heard := w.answered(life, platform, keys, rec)
		if platform == "telegram" {
			w.crowd.answered(chatOf(body), rec)
		}
		life.boundary("carried out", platform)
		time.Sleep(travel[platform])
		life.gate.wait()
		if !life.gone() {
			w.note(func() {
				heard()
				w.crowd.hears(q, rec)
			})
		}
	}()
	w.sims.ServeHTTP(rec, r)
}

// limitKeys are the limits that a request falls under: those of its account,
// and of its place.
func limitKeys(platform string, r *http.Request, body []byte) []string {
	switch platform {
	case "telegram":
		if r.Header.Get("Content-Type") == "application/json" { // one limit holds back all who write to subscribers, but that of a group is its own
			var letter struct {
				Chat int64 `json:"chat_id"`
			}
			if json.Unmarshal(body, &letter) == nil && letter.Chat < 0 {
				return []string{"telegram letters", fmt.Sprintf("telegram %d", letter.Chat)}
			}
			return []string{"telegram letters"}
		}
		switch method := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]; method {
		case "getMe", "getChatAdministrators", "getChatMember", "answerCallbackQuery":
			return nil
		case "getUpdates":
			return []string{"telegram updates"}
		}
		return []string{fmt.Sprintf("telegram %d", chatOf(body))}
	case "discord":
		return []string{"discord", "discord " + r.Method + " " + r.URL.Path}
	case "x":
		return []string{"x " + r.Method}
	}
	return []string{platform}
}

// arrived: what a platform asked to hold back is held back. What a node had
// under way when it was halted comes when it wakes up, and takes a place that its
// successor did not know of.
func (v *witness) arrived(from *life, platform string, keys []string, left time.Time) {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	if from.gate.overtaken() {
		v.limits[platform]++
	}
	for _, k := range keys {
		p := v.paused[k]
		if p != nil && (p.life == from || p.recorded) && left.After(p.heard) && time.Now().Before(p.until) {
			v.wrong("a request arrives at %s %v before the limit ends that it was told of", k, time.Until(p.until))
		}
	}
}

// answered sees what a platform answered, and what followers see now. It
// returns what holds once the answer has arrived.
func (v *witness) answered(to *life, platform string, keys []string, rec *recorder) (heard func()) {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	heard = func() {}
	if until, ok := limited(platform, rec); ok {
		v.limits[platform]--
		if v.limits[platform] < 0 {
			v.wrong("%s refuses a request: a limit was exceeded", platform)
		}
		if !until.IsZero() && len(keys) > 0 {
			key := keys[len(keys)-1]
			if rec.Header().Get("X-RateLimit-Global") == "true" {
				key = "discord"
			}
			heard = func() { v.paused[key] = &pause{life: to, account: platform, heard: time.Now(), until: until} }
		}
	}
	v.look(platform)
	return heard
}

// limited reads a refusal for a limit.
func limited(platform string, rec *recorder) (until time.Time, ok bool) {
	if platform == "wechat" {
		return time.Time{}, bytes.Contains(rec.body.Bytes(), []byte(`"errcode":45009`))
	}
	if rec.status != http.StatusTooManyRequests {
		return time.Time{}, false
	}
	if at, err := strconv.ParseInt(rec.Header().Get("X-Rate-Limit-Reset"), 10, 64); err == nil {
		return time.Unix(at, 0), true
	}
	var body struct {
		RetryAfter float64 `json:"retry_after"`
	}
	if json.Unmarshal(rec.body.Bytes(), &body) == nil && body.RetryAfter > 0 {
		return time.Now().Add(time.Duration(body.RetryAfter * float64(time.Second))), true
	}
	s, err := strconv.ParseFloat(rec.Header().Get("Retry-After"), 64)
	if err != nil {
		return time.Time{}, true
	}
	return time.Now().Add(time.Duration(s * float64(time.Second))), true
}

// look notes what followers see.
func (v *witness) look(platform string) {
	all, err := v.w.sims.Seen(platform, "")
	if err != nil {
		v.wrong("%v", err)
		return
	}
	for _, m := range all {
		if !m.Ours && m.Edits > 0 && !v.w.crowd.in(m.Place) {
			v.wrong("on %s what somebody else posted now says %q", platform, m.Text)
		}
		if !m.Ours || m.Text == "" || v.w.crowd.in(m.Place) {
			continue
		}
		key := platform + " " + m.Place + " " + m.ID
		if l := v.landings[key]; l != nil {
			if l.seen.Text != m.Text {
				v.reworded(l, m.Text)
			}
			l.seen = m
			continue
		}
		l := &landing{platform: platform, seen: m, at: time.Now()}
		v.landings[key] = l
		v.land(l)
		v.order = append(v.order, l)
	}
}

// reworded: a message changes only by an edit of its own delivery.
func (v *witness) reworded(l *landing, text string) {
	for _, a := range v.attempts {
		if a.entry == l.entry && a.action == bots.Edit && plain(a.text) == plain(text) {
			return
		}
	}
	v.wrong("on %s message %s of %s/%d now says %q, which no edit of it says", l.platform, l.seen.ID, l.ref, l.update, text)
}

// land finds the attempt that made a message, and checks that it may.
func (v *witness) land(l *landing) {
	for _, a := range slices.Backward(v.attempts) {
		if a.account == l.platform && a.action == bots.Post && (a.target == "" || a.target == l.seen.Place) && plain(a.text) == plain(l.seen.Text) {
			l.attempt = a
			break
		}
	}
	v.w.tell("lands on %s %s: entry %d %.60q", l.platform, l.seen.ID, l.entry, l.seen.Text)
	if l.entry == 0 {
		v.wrong("on %s appears what no attempt was journalled for: %q", l.platform, l.seen.Text)
		return
	}
	before := 0
	for _, o := range v.order {
		if o.entry == l.entry && !o.seen.Deleted {
			before++
		}
	}
	if before > v.copies[l.entry] && !v.mayResend(l.platform) {
		v.wrong("said twice on %s: %q", l.platform, l.seen.Text)
	}
}

// mayResend reports whether policy sends again what nobody can know.
func (v *witness) mayResend(platform string) bool {
	blind := platform == "telegram" || platform == "wechat" || v.reads[platform]
	return v.w.script.Unsure == "resend" && blind
}

// plain is a text without what platforms and adapters change in it.
func plain(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "\u200b", "")), " ")
}

// linkTo is where a person finds the newest visible message of a delivery.
func (v *witness) linkTo(entry int64) (string, bool) {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	for _, l := range slices.Backward(v.order) {
		if l.entry != entry || l.seen.Deleted {
			continue
		}
		switch l.platform {
		case "telegram":
			return "https://t.me/c/1/" + l.seen.ID, true
		case "discord":
			return "https://discord.com/channels/1/2/" + l.seen.ID, true
		case "x":
			return "https://x.com/i/web/status/" + l.seen.ID, true
		}
		return "", true
	}
	return "", false
}
