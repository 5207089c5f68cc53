package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// authenticate finds the operator whose token the request bears. Every hash is
// compared, in constant time, so that the time taken tells nothing. No text is
// known whose hash is zero, so operators without a token are never found.
func authenticate(operators []Operator, r *http.Request) (Operator, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Operator{}, false
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	found := -1
	for i, op := range operators {
		same := subtle.ConstantTimeCompare(op.TokenHash[:], sum[:])
		found = subtle.ConstantTimeSelect(same, i, found)
	}
	if found < 0 {
		return Operator{}, false
	}
	return operators[found], true
}

// unauthorized asks for a token, or says that the one given is not known.
func (a *api) unauthorized(r *http.Request) error {
	challenge := `Bearer realm="allclear"`
	detail := "this needs an operator's token: send Authorization: Bearer and the token"
	if r.Header.Get("Authorization") != "" {
		if err := a.gate.guessed(r); err != nil {
			return err
		}
		challenge += `, error="invalid_token"`
		detail = "no operator has this token: check it, or make a new one with allclear token"
	}
	p := refuse(http.StatusUnauthorized, "%s", detail)
	p.challenge = challenge
	return p
}
