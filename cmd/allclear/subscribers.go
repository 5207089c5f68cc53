package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// subscribersCmd hands the subscribers of a bot out and in.
type subscribersCmd struct {
	Export exportSubscribersCmd `cmd:"" help:"Write the subscribers of a bot to a file."`
	Import importSubscribersCmd `cmd:"" help:"Add or change subscribers of a bot from a file. It may be interrupted and repeated; who stopped by himself is not subscribed again. Lines that are wrong are listed, all others imported."`
}

type exportSubscribersCmd struct {
	File string `arg:"" type:"path" help:"File to write: JSON Lines if its name ends in .jsonl or .ndjson, otherwise CSV; - is standard output."`
	Bot  string `required:"" placeholder:"NAME" help:"The bot, as in the configuration."`
}

type importSubscribersCmd struct {
	File string `arg:"" type:"path" help:"CSV with the heading chat_id,language,components,impact,topic, or JSON Lines with these fields; only the first is required. What a line does not say stays as it is, and is as usual for who is new."`
	Bot  string `required:"" placeholder:"NAME" help:"The bot, as in the configuration."`
}

// partSize is how many bytes of a list are sent at once.
const partSize = 256 << 10

func (c *importSubscribersCmd) Run(e *env) error {
	f, err := os.Open(c.File)
	if err != nil {
		return usageError{err}
	}
	defer f.Close()
	name := filepath.Base(c.File)
	good, bad, err := readLines(f)
	if err != nil {
		bad.print(e, name)
		return usageError{fmt.Errorf("%s: %w: correct it and import again", name, err)}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if e.ctx.Err() != nil {
		return errors.New("interrupted: nothing is imported")
	}
	cl, err := newClient(e)
	if err != nil {
		return err
	}
	up := &upload{client: cl, path: "/v1/subscribers/" + url.PathEscape(c.Bot), key: cl.key, done: func(n int) { progress(e, n, good+bad.Count, "") }}
	err = people.Lines(f, func(n int, heading, line string) error { return up.add(e.ctx, n, heading, line) })
	if err == nil {
		err = up.send(e.ctx)
	}
	up.refused.print(e, name)
	n := up.total
	_, half := errors.AsType[halfway](err)
	switch {
	case err == nil:
	case n.Lines() > 0 && e.ctx.Err() != nil:
		return errors.New("interrupted: a part of the list is imported; import it again to have all of it")
	case e.ctx.Err() != nil:
		return errors.New("interrupted: a part of the list may be imported; import it again to have all of it")
	case n.Lines() > 0:
		return fmt.Errorf("%w: what stands before it is imported; import again when it is settled", err)
	case half:
		return fmt.Errorf("%w: a part of the list may be imported; import again when it is settled", err)
	default:
		return err
	}
	if e.json {
		if err := json.NewEncoder(e.out).Encode(up.answer()); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(e.out, "%s: %d added, %d changed, %d unchanged, %d had left and stay so\n", counted(n.Lines(), "line"), n.Added, n.Changed, n.Unchanged, n.Left)
	}
	if bad := up.refused.Count; bad > 0 {
		return fmt.Errorf("%s imported, %d refused: correct them and import again (who is imported stays so)", counted(n.Lines(), "line"), bad)
	}
	return nil
}

// readLines reads a list once before anything is sent, so that what is wrong with
// the whole of it is found while nothing has changed.
func readLines(r io.Reader) (good int, bad refusals, err error) {
	anything := people.List{Any: true}
	err = anything.Read(r, func(int, people.Subscriber) error { good++; return nil }, func(wrong *people.LineError) error {
		bad.Refuse(wrong.Line, wrong.Err)
		return nil
	})
	if err == nil && good == 0 {
		err = errors.New("there is no subscriber in it")
	}
	return good, bad, err
}

// refusals are the lines of a file that are wrong.
type refusals struct{ people.Refused }

// print lists them, as many as are known.
func (r *refusals) print(e *env, name string) {
	for _, wrong := range r.First {
		fmt.Fprintf(e.err, "%s: line %d: %s\n", name, wrong.Line, wrong.Detail)
	}
	if more := r.Count - len(r.First); more > 0 {
		fmt.Fprintf(e.err, "%s: and %s more\n", name, counted(more, "line"))
	}
}

// An upload sends a list in parts.
type upload struct {
	client *client
	path   string
	key    string
	done   func(n int)

	part    bytes.Buffer
	first   int // line of the list that the part begins with
	last    int
	parts   int
	total   people.Imported
	refused refusals
}

func (u *upload) add(ctx context.Context, n int, heading, line string) error {
	between := max(0, n-u.last-1) // empty lines, without which a line would have another number
	if u.part.Len() > 0 && u.part.Len()+between+len(line) > partSize {
		if err := u.send(ctx); err != nil {
			return err
		}
	}
	if u.part.Len() == 0 {
		u.first = n
		if heading != "" {
			u.part.WriteString(heading + "\n")
			u.first = n - 1 // as if the heading stood right above
		}
	} else {
		u.part.WriteString(strings.Repeat("\n", between))
	}
	u.last = n
	u.part.WriteString(line + "\n")
	return nil
}

// send sends the part. Each has a key of its own, so that a lost answer is
// asked for again.
func (u *upload) send(ctx context.Context) error {
	if u.part.Len() == 0 {
		return nil
	}
	u.parts++
	u.client.key = u.key + "-" + strconv.Itoa(u.parts)
	body := map[string]any{"text": u.part.String(), "line": u.first}
	answer, err := u.client.call(ctx, "POST", u.path, body, nil)
	var came struct {
		Imported *people.Imported
		Refused  people.Refused
	}
	if wrong := json.Unmarshal(answer, &came); wrong != nil || came.Imported == nil {
		if err == nil {
			err = fmt.Errorf("%s does not answer like allclear: check ALLCLEAR_URL", u.client.base)
		}
		return err
	}
	u.total.Add(*came.Imported)
	u.refused.Add(came.Refused)
	if err != nil && came.Refused.Count == 0 { // it ended in the middle
		return err
	}
	u.done(u.total.Lines() + u.refused.Count)
	u.part.Reset()
	return nil
}

// answer is to the whole list what a server answers to a part.
func (u *upload) answer() map[string]any {
	answer := map[string]any{"imported": u.total}
	if u.refused.Count > 0 {
		answer["refused"] = u.refused
	}
	return answer
}

func (c *exportSubscribersCmd) Run(e *env) error {
	cl, err := newClient(e)
	if err != nil {
		return err
	}
	if c.File == "-" {
		w := people.NewWriter(e.out, e.json)
		if _, err := c.write(e, cl, w); err != nil {
			return err
		}
		return w.Flush()
	}
	// Always the same name, so that what a killed export left is overwritten:
	// it has the ids of people.
	part := filepath.Join(filepath.Dir(c.File), "."+filepath.Base(c.File)+".part")
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	ext := strings.ToLower(filepath.Ext(c.File))
	w := people.NewWriter(f, ext == ".jsonl" || ext == ".ndjson")
	n, err := c.write(e, cl, w)
	if err == nil {
		err = w.Flush()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), c.File); err != nil {
		return err
	}
	fmt.Fprintln(e.out, counted(n, "subscriber"))
	return nil
}

// write fetches page after page.
func (c *exportSubscribersCmd) write(e *env, cl *client, w *people.Writer) (n int, err error) {
	all := 0
	for after := "0"; after != ""; {
		var page struct {
			Next        string
			Count       int // on the first page
			Subscribers []struct {
				Chat       string `json:"chat_id"`
				Language   string
				All        bool
				Components []string
				Impact     incident.Impact
				Topic      string
			}
		}
		if _, err := cl.call(e.ctx, "GET", "/v1/subscribers/"+url.PathEscape(c.Bot)+"?after="+after, nil, &page); err != nil {
			return n, err
		}
		for _, s := range page.Subscribers {
			chat, err := strconv.ParseInt(s.Chat, 10, 64)
			topic, wrong := strconv.ParseInt(s.Topic, 10, 64)
			if err != nil || wrong != nil {
				return n, fmt.Errorf("%s does not answer like allclear: check ALLCLEAR_URL", cl.base)
			}
			out := people.Subscriber{Chat: chat, Topic: topic, Language: s.Language, All: s.All, Components: s.Components, Impact: s.Impact}
			if err := w.Add(out); err != nil {
				return n, err
			}
		}
		n += len(page.Subscribers)
		after, all = page.Next, max(all, page.Count, n)
		progress(e, n, all, "")
	}
	return n, nil
}
