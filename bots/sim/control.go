package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// control adds the controls of a running world:
//
//	POST   /control/faults/{platform}   JSON list of Fault, appended to the script
//	DELETE /control/faults/{platform}   ends all faults of the platform
//	GET    /control/seen?platform=…&place=…   JSON list of Seen; all of the platform without place
//	POST   /control/say                 JSON of saying; answers {"id": message}
//	POST   /control/press               JSON of pressing; answers {"id": query or interaction}
//	GET    /control/events              server-sent events, one for each change
//
// A refusal is status 400 with {"error": words}.
func (w *World) control(m *http.ServeMux) {
	m.HandleFunc("POST /control/faults/{platform}", w.addFaults)
	m.HandleFunc("DELETE /control/faults/{platform}", w.clearFaults)
	m.HandleFunc("GET /control/seen", w.showSeen)
	m.HandleFunc("POST /control/say", w.controlSay)
	m.HandleFunc("POST /control/press", w.controlPress)
	m.HandleFunc("GET /control/events", w.streamEvents)
}

// saying is a person typing a message.
type saying struct {
	Platform  string `json:"platform"`
	Chat      string `json:"chat"` // not on X
	Person    string `json:"person"`
	Name      string `json:"name"`
	Text      string `json:"text"`
	ReplyTo   string `json:"reply_to"`
	Thread    string `json:"thread"`
	Forwarded bool   `json:"forwarded"`
	Anonymous bool   `json:"anonymous"`
}

// pressing is a person pressing a button.
type pressing struct {
	Platform string `json:"platform"`
	Chat     string `json:"chat"`
	Message  string `json:"message"`
	Person   string `json:"person"`
	Data     string `json:"data"`
}

func (w *World) addFaults(rw http.ResponseWriter, r *http.Request) {
	var faults []Fault
	script, err := w.faults(r.PathValue("platform"))
	if err == nil {
		err = readControl(rw, r, &faults)
	}
	if err == nil {
		script.Add(faults...)
	}
	answerControl(rw, map[string]int{"added": len(faults)}, err)
}

func (w *World) clearFaults(rw http.ResponseWriter, r *http.Request) {
	script, err := w.faults(r.PathValue("platform"))
	if err == nil {
		script.Clear()
	}
	answerControl(rw, map[string]bool{"cleared": true}, err)
}

func (w *World) showSeen(rw http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	seen, err := w.Seen(q.Get("platform"), q.Get("place"))
	answerControl(rw, append([]Seen{}, seen...), err)
}

func (w *World) controlSay(rw http.ResponseWriter, r *http.Request) {
	var s saying
	var id string
	err := readControl(rw, r, &s)
	if err == nil {
		id, err = w.say(s)
	}
	answerControl(rw, map[string]string{"id": id}, err)
}

func (w *World) say(s saying) (id string, err error) {
	switch s.Platform {
	case "telegram":
		return w.Telegram.Say(s.Chat, s.Person, s.Text, Saying{
			Name: s.Name, ReplyTo: s.ReplyTo, Thread: s.Thread, Forwarded: s.Forwarded, Anonymous: s.Anonymous,
		})
	case "discord":
		if s.Name != "" {
			w.Discord.AddPerson(s.Person, s.Name)
		}
		return w.Discord.Say(s.Chat, s.Person, s.Text)
	case "x":
		if s.ReplyTo == "" {
			return w.X.Post(s.Person, s.Text), nil
		}
		return w.X.Reply(s.Person, s.ReplyTo, s.Text)
	case "wechat":
		return "", fmt.Errorf("sim: people cannot write to a robot on %s", s.Platform)
	}
	return "", unknownPlatform(s.Platform)
}

func (w *World) controlPress(rw http.ResponseWriter, r *http.Request) {
	var p pressing
	var id string
	err := readControl(rw, r, &p)
	if err == nil {
		id, err = w.press(p)
	}
	answerControl(rw, map[string]string{"id": id}, err)
}

func (w *World) press(p pressing) (id string, err error) {
	switch p.Platform {
	case "telegram":
		return w.Telegram.Press(p.Chat, p.Message, p.Person, p.Data)
	case "discord":
		return w.Discord.Press(p.Message, p.Person, p.Data)
	case "x", "wechat":
		return "", fmt.Errorf("sim: there are no buttons on %s", p.Platform)
	}
	return "", unknownPlatform(p.Platform)
}

// streamEvents writes the number of changes so far, at once and after each change.
func (w *World) streamEvents(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "text/event-stream")
	rw.Header().Set("Cache-Control", "no-store")
	for {
		n, wake := w.changes.next()
		if _, err := fmt.Fprintf(rw, "event: change\ndata: %d\n\n", n); err != nil {
			return
		}
		if http.NewResponseController(rw).Flush() != nil {
			return
		}
		select {
		case <-wake:
		case <-r.Context().Done():
			return
		}
	}
}

func readControl(rw http.ResponseWriter, r *http.Request, v any) error {
	dec := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 1<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("sim: cannot read the request: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

func answerControl(rw http.ResponseWriter, v any, err error) {
	rw.Header().Set("Content-Type", "application/json")
	if err != nil {
		rw.WriteHeader(http.StatusBadRequest)
		v = map[string]string{"error": err.Error()}
	}
	writeJSON(rw, v)
}
