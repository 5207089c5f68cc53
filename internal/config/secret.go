package config

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
)

// A Secret is a text that is never shown: however it is printed, logged or
// encoded, alone or inside another value, "***" appears instead. The zero
// Secret is empty. Secrets are compared by Reveal, not by ==.
type Secret struct {
	// text is behind a pointer because package fmt calls no methods on
	// unexported fields of other structs, but shows addresses for pointers.
	text *string
}

// NewSecret returns s as a secret.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{&s}
}

// Reveal returns the text itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.text == nil }

// Equal reports whether both reveal the same.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// String returns "***", or nothing for an empty secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return "***"
}

// GoString is String, for printers other than fmt.
func (s Secret) GoString() string { return s.String() }

// Format writes String whatever the verb: with a verb that does not fit, fmt
// would otherwise print the fields.
func (s Secret) Format(w fmt.State, _ rune) { io.WriteString(w, s.String()) }

// MarshalText returns String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue returns String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// A Hash is the SHA-256 of a secret that need not be kept.
type Hash [sha256.Size]byte

// HashOf returns the hash of a token as the API receives it.
func HashOf(token string) Hash { return sha256.Sum256([]byte(token)) }

// IsZero reports whether there is no secret.
func (h Hash) IsZero() bool { return h == Hash{} }

// String returns the first bytes, enough to tell two tokens apart.
func (h Hash) String() string {
	if h.IsZero() {
		return ""
	}
	return fmt.Sprintf("sha256:%x…", h[:4])
}
