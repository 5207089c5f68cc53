package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Algorithm is that of every key and signature here.
const Algorithm = "Ed25519"

// A Key signs exports.
type Key struct {
	Public  PublicKey
	private ed25519.PrivateKey
}

// A PublicKey is what a signature is checked with.
type PublicKey struct {
	ID        string `json:"kid"` // the first 16 hexadecimal digits of the SHA-256 of the key's 32 bytes
	Algorithm string `json:"alg"`
	Key       []byte `json:"public_key"` // 32 bytes
}

func publicKey(key ed25519.PublicKey) PublicKey {
	sum := sha256.Sum256(key)
	return PublicKey{ID: hex.EncodeToString(sum[:8]), Algorithm: Algorithm, Key: key}
}

// check says what is wrong with a key that somebody else wrote, or returns nil.
func (k PublicKey) check() error {
	switch {
	case k.Algorithm != Algorithm:
		return fmt.Errorf("a key's algorithm is %.40q, not %s", k.Algorithm, Algorithm)
	case len(k.Key) != ed25519.PublicKeySize:
		return fmt.Errorf("a key has %d bytes, not %d", len(k.Key), ed25519.PublicKeySize)
	case publicKey(k.Key).ID != k.ID:
		return fmt.Errorf("the key's id %.40q is not that of its bytes", k.ID)
	}
	return nil
}

func newKey(private ed25519.PrivateKey) *Key {
	return &Key{Public: publicKey(private.Public().(ed25519.PublicKey)), private: private} // Public of an Ed25519 key is always that
}

// LoadKey reads the private key in a file (PEM, PKCS #8). If the file is not
// there it makes a key that only this user can read.
func LoadKey(file string) (*Key, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(file)
	}
	if err != nil {
		return nil, fmt.Errorf("signing key: %w: let this user read it, or change [site] key_file", err)
	}
	private, err := parsePrivate(text)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", file, err)
	}
	return newKey(private), nil
}

func parsePrivate(text []byte) (ed25519.PrivateKey, error) {
	const advice = "restore it, or name another file in [site] key_file (a new key is made where there is none)"
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("this is no private key in PEM: " + advice)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("this is no private key in PKCS #8: " + advice)
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("this key is not of the kind Ed25519: " + advice)
	}
	return private, nil
}

// makeKey writes a new key. The file appears whole or not at all.
func makeKey(file string) (*Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*Key, error) {
		return nil, fmt.Errorf("make the signing key %s: %w: let this user write there, or change [site] key_file", file, err)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".key-*") // of mode 0600
	if err != nil {
		return fail(err)
	}
	defer os.Remove(f.Name())
	err = pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fail(err)
	}
	if err := os.Link(f.Name(), file); err != nil { // unlike a renaming, never over another key
		return fail(err)
	}
	return newKey(private), nil
}

// WellKnown is the document at /.well-known/allclear.json.
func WellKnown(keys ...PublicKey) ([]byte, error) {
	return json.Marshal(wellKnown{keys})
}

type wellKnown struct {
	Keys []PublicKey `json:"keys"`
}

// ParseKeys reads public keys: a document like that of [WellKnown], one
// key of it, or a public key in PEM.
func ParseKeys(text []byte) ([]PublicKey, error) {
	if block, _ := pem.Decode(text); block != nil {
		return parsePublic(block)
	}
	var doc struct {
		wellKnown
		PublicKey
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, errors.New("this is no public key: give a PEM file or what is at /.well-known/allclear.json")
	}
	if doc.ID != "" {
		doc.Keys = append(doc.Keys, doc.PublicKey)
	}
	if len(doc.Keys) == 0 {
		return nil, errors.New("there is no key in it: give a PEM file or what is at /.well-known/allclear.json")
	}
	for _, k := range doc.Keys {
		if err := k.check(); err != nil {
			return nil, err
		}
	}
	return doc.Keys, nil
}

func parsePublic(block *pem.Block) ([]PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("this is no public key: %w", err)
	}
	public, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("this key is not of the kind Ed25519")
	}
	return []PublicKey{publicKey(public)}, nil
}

// signature is how an export carries one.
type signature struct {
	PublicKey
	Value []byte `json:"value"`
}

func (s signature) holds(statement string) bool {
	return ed25519.Verify(s.Key, []byte(statement), s.Value)
}

func (k *Key) sign(statement string) signature {
	return signature{k.Public, ed25519.Sign(k.private, []byte(statement))}
}
