package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// document is an export as it is read.
type document struct {
	Format    string          `json:"format"`
	Ref       string          `json:"ref"`
	Site      string          `json:"site"`
	Report    json.RawMessage `json:"report"`
	Texts     map[Hash]string `json:"texts"`
	Chain     []entry         `json:"chain"`
	Head      Head            `json:"head"`
	Signature signature       `json:"signature"`
}

// entry is a line of the document: a digest, or a line with its record.
type entry struct {
	chained
	bare bool
}

func (e *entry) UnmarshalJSON(b []byte) error {
	if e.bare = bytes.HasPrefix(b, []byte(`"`)); e.bare {
		return json.Unmarshal(b, &e.Digest)
	}
	return json.Unmarshal(b, &e.chained)
}

// Verify reads an export and checks all of it: that each record has its
// digest, that the chain leads from the first line to the head, that the report
// is what the records say, that the signature holds, and that not a single byte
// is other than [Sign] wrote it. The error names what is not right first. Whose
// key it was that signed is for the caller to judge.
func Verify(data []byte) (*Export, error) {
	d, err := parse(data)
	if err != nil {
		return nil, err
	}
	x := &Export{Evidence: Evidence{Ref: d.Ref, Site: d.Site, Texts: d.Texts, Time: d.Head.Time}, JSON: data, Signature: d.Signature.PublicKey}
	if x.Lines, err = d.lines(); err != nil {
		return nil, err
	}
	if x.Head = x.head(); x.Head != d.Head {
		return nil, fmt.Errorf("head: the chain ends at line %d with hash %s, not as the head says: a digest, a line or the head was changed", x.Head.ID, x.Head.Hash)
	}
	if err := x.checkTexts(); err != nil {
		return nil, err
	}
	if x.Report, err = x.report(); err != nil {
		return nil, err
	}
	if err := sameReport(x.Report, d.Report); err != nil {
		return nil, err
	}
	return x, d.checkSignature(x)
}

func parse(data []byte) (*document, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return nil, errors.New("this is no export in JSON: Markdown and CSV cannot be verified; make one with allclear export REF --format json")
	}
	var d document
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("line %d: not as an export is written: %w", lineAt(data, errorOffset(err, dec)), err)
	}
	if d.Format != format {
		return nil, fmt.Errorf("format: it is %.60q, and this version verifies %q", d.Format, format)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("line %d: something follows the end of the export", lineAt(data, dec.InputOffset()))
	}
	return &d, nil
}

func errorOffset(err error, dec *json.Decoder) int64 {
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return s.Offset
	}
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return t.Offset
	}
	return dec.InputOffset()
}

// lineAt is the line of a file, from 1, that an offset is in.
func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(max(offset, 0), int64(len(data)))], []byte("\n"))
}

// lines checks the chain as far as the document shows it.
func (d *document) lines() ([]Line, error) {
	out := make([]Line, len(d.Chain))
	var hash Hash
	for i, e := range d.Chain {
		out[i] = Line{Digest: e.Digest, Record: e.Record, Erased: e.Erased}
		hash = Link(hash, e.Digest)
		if e.bare {
			continue
		}
		switch {
		case e.ID != int64(i+1):
			return nil, fmt.Errorf("record %d: it stands at line %d of the chain: a line was added, moved or removed", e.ID, i+1)
		case e.Record == "" && !e.Erased:
			return nil, fmt.Errorf("record %d: it is missing and not marked as erased", e.ID)
		case e.Record != "" && Digest(e.Record) != e.Digest:
			return nil, fmt.Errorf("record %d: it was changed: its SHA-256 is not its digest", e.ID)
		case hash != e.Hash:
			return nil, fmt.Errorf("record %d: it does not follow from the lines before it: its hash, or a digest up to here, was changed", e.ID)
		}
	}
	return out, nil
}

func (x *Export) checkTexts() error {
	for _, sum := range slices.SortedFunc(maps.Keys(x.Texts), func(a, b Hash) int { return bytes.Compare(a[:], b[:]) }) {
		if Digest(x.Texts[sum]) != sum {
			return fmt.Errorf("texts.%s: the text was changed: this is not its SHA-256", sum)
		}
	}
	return nil
}

// checkSignature comes last, since it covers every byte before it and says
// least about which was changed.
func (d *document) checkSignature(x *Export) error {
	if err := d.Signature.check(); err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	content, err := x.content()
	if err != nil {
		return err
	}
	whole, err := seal(bytes.Clone(content), d.Signature)
	if err != nil {
		return err
	}
	if !bytes.Equal(whole, x.JSON) {
		return fmt.Errorf("line %d: it is not written as allclear writes it", 1+bytes.Count(common(whole, x.JSON), []byte("\n")))
	}
	if !d.Signature.holds(x.statement(content)) {
		return fmt.Errorf("signature: key %s did not sign this", d.Signature.ID)
	}
	return nil
}

// common is what two texts begin with.
func common(a, b []byte) []byte {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// sameReport says where a report is not the one that the records give.
func sameReport(want *Report, got json.RawMessage) error {
	text, err := encode(want, "")
	if err != nil {
		return err
	}
	var a, b any
	if err := errors.Join(json.Unmarshal(text, &a), json.Unmarshal(got, &b)); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if at := difference("report", a, b); at != "" {
		return fmt.Errorf("%s: it is not what the records say", at)
	}
	return nil
}

// difference is the path of the first value that differs, or empty.
func difference(at string, a, b any) string {
	switch a := a.(type) {
	case map[string]any:
		if b, ok := b.(map[string]any); ok {
			return differentField(at, a, b)
		}
	case []any:
		if b, ok := b.([]any); ok {
			for i := range min(len(a), len(b)) {
				if d := difference(at+"["+strconv.Itoa(i)+"]", a[i], b[i]); d != "" {
					return d
				}
			}
			if len(a) == len(b) {
				return ""
			}
		}
	default:
		if reflect.DeepEqual(a, b) {
			return ""
		}
	}
	return at
}

func differentField(at string, a, b map[string]any) string {
	names := slices.Collect(maps.Keys(a))
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		path := at + "." + strings.Join(strings.Fields(fmt.Sprintf("%.40s", name)), " ")
		va, in := a[name]
		vb, also := b[name]
		if in != also {
			return path
		}
		if d := difference(path, va, vb); d != "" {
			return d
		}
	}
	return ""
}
