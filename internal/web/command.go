package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/allclear-hq/allclear/internal/desk"
)

func withOperator(ctx context.Context, op Operator) context.Context {
	return context.WithValue(ctx, operatorKey{}, op)
}

// do has the desk carry out a command.
func (a *api) do(r *http.Request, op Operator, body []byte, cmd desk.Command) (desk.Answer, error) {
	key, err := a.claim(r, op, body)
	if err != nil {
		return desk.Answer{}, err
	}
	return a.Desk.Do(r.Context(), desk.Actor{Name: op.Name, Role: op.Role, Origin: "http"}, key, cmd)
}

// claim returns the key under which the desk keeps the answer, or nothing for
// a request without Idempotency-Key. Before anything else happens it commits
// what the key is used for, so that the same key cannot name another request.
func (a *api) claim(r *http.Request, op Operator, body []byte) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		return "", nil
	}
	if !plainKey(key) {
		return "", refuse(http.StatusBadRequest, "the Idempotency-Key is too long or has strange characters: use at most 200 of visible ASCII")
	}
	name := op.Name + ":" + key
	request := digest(r, body)
	first, err := a.Store.Change(r.Context(), "http-request:"+name, func(desk.Tx) ([]byte, error) { return request, nil })
	if err != nil {
		return "", err
	}
	if !bytes.Equal(first, request) {
		p := refuse(http.StatusUnprocessableEntity, "this Idempotency-Key was used for another request: give each request a key of its own")
		p.Title = "Idempotency-Key is already used"
		return "", p
	}
	return "http:" + name, nil
}

func plainKey(key string) bool {
	for _, c := range []byte(key) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(key) <= 200
}

// digest identifies a request by what it asks for.
func digest(r *http.Request, body []byte) []byte {
	sum := sha256.New()
	sum.Write([]byte(r.Method + " " + r.URL.Path + "\n"))
	sum.Write(body)
	return []byte(hex.EncodeToString(sum.Sum(nil)))
}
