package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// Markdown is the export as the appendix of a post-mortem. It names the
// document that can be verified by its SHA-256.
func (x *Export) Markdown() []byte {
	var b strings.Builder
	x.writeSummary(&b)
	b.WriteString("\n## What was said\n")
	for _, u := range x.Report.Updates {
		writeUpdate(&b, u)
	}
	x.writePromises(&b)
	x.writeLog(&b)
	x.writeSent(&b)
	x.writeProof(&b)
	return []byte(b.String())
}

func (x *Export) writeSummary(b *strings.Builder) {
	r := x.Report
	kind := string(r.Kind)
	if r.Drill {
		kind = "drill, " + kind
	}
	fmt.Fprintf(b, "# %s %s\n\n%s · impact %s · %s\n\n| | |\n| --- | --- |\n", r.Ref, cell(r.Title), cell(kind), cell(string(r.Impact)), cell(string(r.Status)))
	row(b, "Opened", day(r.CreatedAt))
	if !r.ResolvedAt.IsZero() {
		row(b, "Ended", day(r.ResolvedAt)+", after "+span(r.ResolvedAt.Sub(r.CreatedAt).Seconds()))
	}
	if !r.Begin.IsZero() {
		row(b, "Scheduled", day(r.Begin)+" to "+day(r.End))
	}
	for _, id := range slices.Sorted(maps.Keys(r.Components)) {
		row(b, "Component "+cell(id), cell(strings.ReplaceAll(string(r.Components[id]), "_", " ")))
	}
	if r.FirstDelay != nil {
		row(b, "First words out", "after "+span(*r.FirstDelay))
	}
	row(b, "Promises", promiseCount(r.Promises))
	if r.Erased > 0 {
		row(b, "Erased", fmt.Sprintf("%d records that this page can no longer tell of", r.Erased))
	}
	b.WriteString("\nAll times are UTC.\n")
}

func promiseCount(all []Promise) string {
	n := incident.PromiseCount{}
	for _, p := range all {
		n[incident.PromiseState(p.State)]++
	}
	return cmp.Or(n.String(), "none made")
}

func writeUpdate(b *strings.Builder, u *Update) {
	fmt.Fprintf(b, "\n### %s · %s · %s\n\n", u.Ref, day(at(u.AcceptedAt)), cell(string(u.Status)))
	line := "By " + cell(u.Author)
	if len(u.ApprovedBy) > 0 {
		line += ", approved by " + cell(strings.Join(u.ApprovedBy, ", "))
	}
	line += ", impact " + cell(string(u.Impact)) + "."
	if u.NextUpdate != nil {
		line += " Promised the next update by " + day(*u.NextUpdate) + "."
	}
	if u.Template != "" {
		line += " Nobody typed it: template " + cell(u.Template) + "."
	}
	b.WriteString(line + "\n")
	for _, w := range u.Revisions {
		writeWording(b, w)
	}
	if r := u.Retraction; r != nil {
		fmt.Fprintf(b, "\nRetracted at %s by %s. The public was told:\n\n%s", clock(r.At), cell(r.Author), fenced(r.Reason))
	}
	writeDeliveries(b, u)
}

func writeWording(b *strings.Builder, w Wording) {
	if w.Revision > 1 {
		what := "Corrected"
		if w.Typo {
			what = "Slip mended"
		}
		fmt.Fprintf(b, "\n%s at %s by %s, revision %d: %s\n", what, clock(w.At), cell(w.Author), w.Revision, cell(w.Title))
	}
	for _, lang := range slices.Sorted(maps.Keys(w.Text)) {
		fmt.Fprintf(b, "\n%s:\n\n%s", cell(lang), fenced(w.Text[lang]))
	}
}

func writeDeliveries(b *strings.Builder, u *Update) {
	first := true
	for i := range u.Channels {
		d := &u.Channels[i]
		if d.Action == "head" {
			continue
		}
		if first {
			b.WriteString("\n| Channel | What | State | Shown at | After | Message |\n| --- | --- | --- | --- | --- | --- |\n")
			first = false
		}
		shown, after := "", ""
		if !d.SentAt.IsZero() {
			shown = clock(d.SentAt)
		}
		if d.Delay != nil {
			after = span(*d.Delay)
		}
		row(b, cell(d.Channel), cell(what(d)), cell(d.State), shown, after, link(d))
	}
	if u.FirstDelay != nil {
		fmt.Fprintf(b, "\nFirst shown %s after it was accepted", span(*u.FirstDelay))
		if u.Skew != nil {
			fmt.Fprintf(b, ", on the last channel %s later", span(*u.Skew))
		}
		b.WriteString(".\n")
	}
}

// what is what was done with which wording.
func what(d *Delivery) string {
	text := d.Action
	if d.Action == "post" && d.Kind != "post" {
		text = d.Kind
	}
	if d.Revision > 1 {
		text += fmt.Sprintf(", revision %d", d.Revision)
	}
	return text
}

// link is where a message is, or why there is none.
func link(d *Delivery) string {
	switch {
	case d.URL != "" && strings.HasPrefix(d.URL, "http"):
		return "<" + strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C", " ", "%20", "\n", "%0A", "\r", "%0D").Replace(d.URL) + ">"
	case d.Error != "":
		return cell(d.Error)
	default:
		return cell(d.Message)
	}
}

func (x *Export) writePromises(b *strings.Builder) {
	if len(x.Report.Promises) == 0 {
		return
	}
	b.WriteString("\n## Promises\n\n| Promised in | Next update by | Came | Kept |\n| --- | --- | --- | --- |\n")
	for _, p := range x.Report.Promises {
		came, kept := "not on record", p.State
		if p.At != nil {
			came = clock(*p.At) + ", " + cell(p.By)
		}
		if p.State == "broken" {
			kept = "broken, " + span(p.Late) + " late"
		}
		row(b, cell(p.Update), day(p.Due), came, kept)
	}
}

func (x *Export) writeLog(b *strings.Builder) {
	if len(x.Report.Log) == 0 {
		return
	}
	b.WriteString("\n## Who did what\n\n| Time | Who | From | Command | About | Note |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, e := range x.Report.Log {
		row(b, day(e.At), cell(e.Who), cell(e.Via), cell(e.Verb), cell(e.Subject), cell(e.Note))
	}
}

// writeSent lists each text as it left, once, with where it went.
func (x *Export) writeSent(b *strings.Builder) {
	where := map[Hash][]string{}
	var order []Hash
	for _, u := range x.Report.Updates {
		for i := range u.Channels {
			d := &u.Channels[i]
			if d.Sent == nil {
				continue
			}
			if where[*d.Text] == nil {
				order = append(order, *d.Text)
			}
			if place := u.Ref + " " + d.Channel; !slices.Contains(where[*d.Text], place) {
				where[*d.Text] = append(where[*d.Text], place)
			}
		}
	}
	if len(order) > 0 {
		b.WriteString("\n## Texts exactly as sent\n")
	}
	for _, sum := range order {
		fmt.Fprintf(b, "\n%s:\n\n%s", cell(strings.Join(where[sum], ", ")), fenced(x.Texts[sum]))
	}
}

func (x *Export) writeProof(b *strings.Builder) {
	b.WriteString("\n## Proof\n\nThis page is made from a signed export, which can be verified; the page itself cannot.\n\n| | |\n| --- | --- |\n")
	row(b, "SHA-256 of the JSON export", x.SHA256())
	row(b, "Head of the audit", fmt.Sprintf("line %d of %s", x.Head.ID, day(x.Head.Time)))
	row(b, "Hash of the head", x.Head.Hash.String())
	row(b, "Signed by key", cell(x.Signature.ID))
	if x.Site != "" {
		row(b, "Keys of this site", "<"+x.Site+"/.well-known/allclear.json>")
	}
}

// SHA256 is that of the JSON document.
func (x *Export) SHA256() string { return Digest(string(x.JSON)).String() }

func row(b *strings.Builder, cells ...string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// cell writes text so that Markdown reads nothing into it, on one line.
func cell(s string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(s), " ") {
		if strings.ContainsRune("\\`*_[]<>|#~!&@", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// fenced is a text as it is, in a fence longer than any in it.
func fenced(s string) string {
	fence := "```"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	return fence + "text\n" + strings.TrimSuffix(s, "\n") + "\n" + fence + "\n"
}

func at(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func day(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }

// span is a duration as people say it: with tenths below a minute, otherwise
// in whole seconds, minutes and hours.
func span(seconds float64) string {
	if seconds < 60 {
		return fmt.Sprintf("%.1f s", seconds)
	}
	n := int64(seconds)
	if n < 3600 {
		return fmt.Sprintf("%d min %d s", n/60, n%60)
	}
	return fmt.Sprintf("%d h %d min", n/3600, n%3600/60)
}
