package sim

import "net/http"

// X simulates the API of X.
type X struct {
	Faults  Faults
	changed func()
}

// NewX returns an X without posts.
func NewX() *X { return &X{} }

// ServeHTTP answers as X would.
func (x *X) ServeHTTP(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// Seen is everything that was said, oldest first.
func (x *X) Seen() []Seen { return nil }
