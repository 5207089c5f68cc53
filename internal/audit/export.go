package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A Line is one line of the chain. The records of other matters, and erased
// ones, are empty.
type Line struct {
	Digest Hash
	Record string // its exact text
	Erased bool   // there was a record about this incident
}

// Head is where the chain stands.
type Head struct {
	ID   int64     `json:"id"`
	Hash Hash      `json:"hash"`
	Time time.Time `json:"time"` // of the newest record
}

// Evidence is everything on record about one incident, taken in one moment.
type Evidence struct {
	Ref   string          // INC-12
	Site  string          // address of the status page; empty for none
	Lines []Line          // all lines; line 1 comes first
	Texts map[Hash]string // as sent, by their digests
	Time  time.Time       // of the newest record
}

// An Export is evidence with what it says and a signature over both. The same
// evidence and key give the same bytes.
type Export struct {
	Evidence
	Report    *Report
	Head      Head
	JSON      []byte // the document that can be verified
	Signature PublicKey
}

// format names the form of the document. Another form has another name.
const format = "allclear export 1"

// head is the end of the chain of lines.
func (ev *Evidence) head() Head {
	h := Head{ID: int64(len(ev.Lines)), Time: ev.Time.UTC()}
	for _, l := range ev.Lines {
		h.Hash = Link(h.Hash, l.Digest)
	}
	return h
}

// Sign makes an export.
func Sign(ev Evidence, key *Key) (*Export, error) {
	report, err := ev.report()
	if err != nil {
		return nil, err
	}
	x := &Export{Evidence: ev, Report: report, Head: ev.head(), Signature: key.Public}
	content, err := x.content()
	if err != nil {
		return nil, err
	}
	x.JSON, err = seal(content, key.sign(x.statement(content)))
	return x, err
}

// statement is what is signed: the head, and the SHA-256 of everything before
// the signature.
func (x *Export) statement(content []byte) string {
	return fmt.Sprintf("%s\n%s\n%d\n%s\n%s\n%s\n", format, x.Ref, x.Head.ID, x.Head.Hash, x.Head.Time.Format(time.RFC3339Nano), Digest(string(content)))
}

// seal adds the signature, which ends the document.
func seal(content []byte, s signature) ([]byte, error) {
	b, err := encode(s, "")
	return append(append(content, b...), "\n}\n"...), err
}

// content writes the document up to its signature.
func (x *Export) content() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("{\n")
	err := errors.Join(
		field(&b, "format", format, ""), field(&b, "ref", x.Ref, ""), field(&b, "site", x.Site, ""),
		field(&b, "report", x.Report, "  "), field(&b, "texts", x.Texts, "  "),
	)
	if err != nil {
		return nil, err
	}
	if err := x.writeChain(&b); err != nil {
		return nil, err
	}
	err = field(&b, "head", x.Head, "")
	b.WriteString(`"signature": `)
	return b.Bytes(), err
}

// writeChain writes one line per line.
func (x *Export) writeChain(b *bytes.Buffer) error {
	b.WriteString("\"chain\": [\n")
	var hash Hash
	for i, l := range x.Lines {
		hash = Link(hash, l.Digest)
		text, err := encode(chainLine(int64(i+1), hash, l), "")
		if err != nil {
			return err
		}
		b.Write(text)
		if i < len(x.Lines)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("],\n")
	return nil
}

// chained is how the document shows a line about its own incident. Of other
// lines it shows the digest alone.
type chained struct {
	ID     int64  `json:"id"`
	Digest Hash   `json:"digest"`
	Hash   Hash   `json:"hash"`
	Erased bool   `json:"erased,omitempty"`
	Record string `json:"record,omitempty"` // as a string, since its digest covers each byte
}

func chainLine(id int64, hash Hash, l Line) any {
	if l.Record == "" && !l.Erased {
		return l.Digest
	}
	return chained{ID: id, Digest: l.Digest, Hash: hash, Erased: l.Erased, Record: l.Record}
}

func field(b *bytes.Buffer, name string, value any, indent string) error {
	text, err := encode(value, indent)
	fmt.Fprintf(b, "%q: %s,\n", name, text)
	return err
}

// encode is the one way in which values are written.
func encode(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
