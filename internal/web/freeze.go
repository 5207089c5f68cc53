package web

import (
	"encoding/json"
	"net/http"

	"github.com/allclear-hq/allclear/internal/desk"
)

func (a *api) freeze(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	return a.fence(w, r, op, f, desk.Stop{Scope: f.text("scope"), Reason: f.text("reason")})
}

func (a *api) unfreeze(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	cmd := desk.Release{Scope: f.text("scope")}
	cmd.Release, cmd.Choose = f.release("release")
	return a.fence(w, r, op, f, cmd)
}

// release takes what is still to be sent: a word, or the ids of deliveries. No
// id at all is to drop everything.
func (f *form) release(name string) (release string, ids []string) {
	v, ok := f.get(name)
	if !ok {
		return "", nil
	}
	if json.Unmarshal(v.raw, &ids) == nil {
		if len(ids) == 0 {
			return "drop", nil
		}
		return "", ids
	}
	if json.Unmarshal(v.raw, &release) != nil {
		f.wrong(name, v.at, `%s has to be "newest", "all", "drop" or a list of delivery ids`, name)
		return "", nil
	}
	return release, nil
}

// fence carries out a command about freezes and shows what is frozen then.
func (a *api) fence(w http.ResponseWriter, r *http.Request, op Operator, f *form, cmd desk.Command) error {
	if err := f.done(); err != nil {
		return err
	}
	answer, err := a.do(r, op, f.body, cmd)
	if err != nil {
		return err
	}
	freezes, err := a.Store.Freezes(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, map[string]any{"state": answer.State, "text": answer.Text, "freezes": freezeResources(freezes)})
}
