package desk

import (
	"fmt"
)

// Subscribers hands a list of subscribers in or out. It changes none of them
// itself: it says who may, and leaves on record who did.
type Subscribers struct {
	Bot    string
	Export bool
	Lines  int // of this part, where it is handed in
}

func (c Subscribers) verb() string {
	if c.Export {
		return "export subscribers"
	}
	return "import subscribers"
}

func (c Subscribers) run(w *work) (Answer, error) {
	if !w.actor.Role.atLeast(Admin) {
		return Answer{}, refuse(Forbidden, "only an admin may %s: they are people's addresses", c.verb())
	}
	if c.Export {
		return Answer{State: "done", Text: fmt.Sprintf("The subscribers of %s are handed out.", c.Bot)}, nil
	}
	return Answer{State: "done", Text: fmt.Sprintf("%d lines for %s are taken.", c.Lines, c.Bot)}, nil
}
