package broadcast

import (
	"fmt"
	"time"
)

// Progress is how far an audience is with an update.
type Progress struct {
	Told      int
	Unsure    int
	Failed    int
	AskUnsure int     // of Unsure, who waits for a person to settle it
	AskFailed int     // of Failed, the same
	Passed    int     // people who had their turn, whether or not it concerned them
	People    int     // in the audience; 0 while nobody has counted
	Speed     float64 // messages a second, lately; 0 while that is not known
	Paid      int     // messages that are still paid for, which go first
	Unpaid    float64 // messages a second that are not; 0 where none is paid for
}

// Left is how long it will take until everybody had his turn, if things go on
// as they do while there is money. It is 0 where that is not known.
func (p Progress) Left() time.Duration {
	if p.Speed <= 0 || p.Passed <= 0 || p.People <= p.Passed {
		return 0
	}
	unpaid := p.Speed
	if p.Unpaid > 0 {
		unpaid = min(p.Unpaid, p.Speed)
	}
	return Takes(p.left(), unpaid, p.Paid, p.Speed)
}

// Takes is how long some messages take at so many a second, where the first of them
// are paid for and go at another speed.
func Takes(messages int, speed float64, paid int, paidSpeed float64) time.Duration {
	paid = min(paid, messages)
	seconds := float64(messages-paid) / speed
	if paid > 0 {
		seconds += float64(paid) / paidSpeed
	}
	return time.Duration(seconds * float64(time.Second))
}

// left is about how many are still to be told: as large a part of those whose
// turn is still to come as of those who had theirs.
func (p Progress) left() int {
	return int(float64(max(0, p.People-p.Passed)) * min(1, float64(p.done())/float64(max(1, p.Passed))))
}

// done is how many were told, or are not told any more.
func (p Progress) done() int { return p.Told + p.Unsure + p.Failed }

// concerned is about how many it concerns; all, while nobody had his turn.
func (p Progress) concerned() int {
	all := p.done() + p.left()
	switch {
	case p.Passed == 0:
		return p.People
	case p.left() == 0, p.done() >= p.Passed: // then it is no guess
		return all
	}
	digits := 1
	for ; all/digits >= 1000; digits *= 10 {
	}
	return (all + digits/2) / digits * digits
}

// Asks is how many people a person has to settle.
func (p Progress) Asks() int { return p.AskUnsure + p.AskFailed }

// String is for people: 36 120 of 1.2 M · 30/s · done in 11 h. These are those
// whom it concerns. While more come than were counted, nobody knows of how many.
func (p Progress) String() string {
	s := Count(p.Told)
	if p.People > 0 && p.People >= p.Told {
		s += " of " + Count(p.concerned())
	}
	if p.Speed > 0 {
		s += fmt.Sprintf(" · %.0f/s", p.Speed)
	}
	if left := p.Left(); left > 0 {
		s += " · done in " + Roughly(left)
	}
	if p.Unsure > 0 {
		s += " · " + Count(p.Unsure) + " unsure"
	}
	if p.Failed > 0 {
		s += " · " + Count(p.Failed) + " failed"
	}
	return s
}

// Count is a number for people: 950, 36 120, 1.2 M.
func Count(n int) string {
	switch {
	case n >= 1_000_000:
		return fmt.Sprintf("%.1f M", float64(n)/1e6)
	case n >= 10_000:
		return fmt.Sprintf("%d %03d", n/1000, n%1000)
	}
	return fmt.Sprint(n)
}

// Roughly is a time that lies ahead, for people: 40 s, 12 min, 11 h, 3 days.
func Roughly(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%.0f s", max(1, d.Seconds()))
	case d < 90*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
