package audit

import (
	"bytes"
	"encoding/csv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// csvColumns are those of each row. What a kind of row has no word for is empty.
const csvColumns = "row,ref,revision,time,who,approved_by,language,channel,platform,action,state,accepted_at,shown_at,seconds,link,text,text_sha256,note"

// csvRow is one row by the names of its columns.
type csvRow map[string]string

// CSV is the export as one table: a row for each wording in each language,
// each delivery, promise and command, and one that names the document that can
// be verified. Cells that a spreadsheet would take for a formula begin with an
// apostrophe.
func (x *Export) CSV() ([]byte, error) {
	names := strings.Split(csvColumns, ",")
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{names}
	for _, r := range x.rows() {
		cells := make([]string, len(names))
		for i, name := range names {
			cells[i] = inert(r[name])
		}
		rows = append(rows, cells)
	}
	err := w.WriteAll(rows)
	return b.Bytes(), err
}

// inert keeps a spreadsheet from reading a cell as a formula, as OWASP advises
// on CSV injection; the wide forms of the signs are formulas to some.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠|%", []rune(s)[0]) {
		return "'" + s
	}
	return s
}

func (x *Export) rows() (out []csvRow) {
	r := x.Report
	out = append(out, csvRow{"row": "incident", "ref": r.Ref, "time": csvTime(r.CreatedAt), "state": string(r.Status), "shown_at": csvTime(at(r.FirstShown)),
		"seconds": csvSeconds(r.FirstDelay), "text": r.Title, "note": "impact " + string(r.Impact)})
	for _, u := range r.Updates {
		out = append(out, u.rows()...)
	}
	for _, p := range r.Promises {
		row := csvRow{"row": "promise", "ref": p.Update, "time": csvTime(p.Due), "state": p.State, "accepted_at": csvTime(at(p.At)), "note": p.By}
		if p.State == "broken" {
			row["seconds"] = csvSeconds(&p.Late)
		}
		out = append(out, row)
	}
	for _, e := range r.Log {
		out = append(out, csvRow{"row": "command", "ref": e.Subject, "time": csvTime(e.At), "who": e.Who, "platform": e.Via, "action": e.Verb, "note": e.Note})
	}
	return append(out, csvRow{"row": "export", "ref": r.Ref, "time": csvTime(x.Head.Time), "who": x.Signature.ID, "text_sha256": x.SHA256(),
		"note": "SHA-256 of the JSON export, which can be verified; head is line " + strconv.FormatInt(x.Head.ID, 10) + " " + x.Head.Hash.String()})
}

func (u *Update) rows() (out []csvRow) {
	for _, w := range u.Revisions {
		for _, lang := range slices.Sorted(maps.Keys(w.Text)) {
			row := csvRow{"row": "text", "ref": u.Ref, "revision": strconv.Itoa(w.Revision), "time": csvTime(w.At), "who": w.Author, "language": lang,
				"state": string(u.Status), "text": w.Text[lang], "note": w.Title}
			if w.Revision == 1 {
				row["approved_by"] = strings.Join(u.ApprovedBy, "; ")
			}
			out = append(out, row)
		}
	}
	if r := u.Retraction; r != nil {
		out = append(out, csvRow{"row": "retraction", "ref": u.Ref, "time": csvTime(r.At), "who": r.Author, "text": r.Reason})
	}
	for i := range u.Channels {
		d := &u.Channels[i]
		row := csvRow{"row": "delivery", "ref": u.Ref, "time": csvTime(d.At), "channel": d.Channel, "platform": d.Platform, "action": d.Action, "state": d.State,
			"accepted_at": csvTime(d.AcceptedAt), "shown_at": csvTime(d.SentAt), "seconds": csvSeconds(d.Delay), "link": d.URL, "note": d.Error}
		if d.Revision > 0 {
			row["revision"] = strconv.Itoa(d.Revision)
		}
		if d.Text != nil {
			row["text_sha256"] = d.Text.String()
		}
		if d.Sent != nil {
			row["text"] = *d.Sent
		}
		out = append(out, row)
	}
	return out
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func csvSeconds(s *float64) string {
	if s == nil {
		return ""
	}
	return strconv.FormatFloat(*s, 'f', -1, 64)
}
