package audit

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func mustKey(t *testing.T) *Key {
	t.Helper()
	key, err := LoadKey(filepath.Join(t.TempDir(), "allclear.key"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestLoadKey(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "allclear.key")
	made, err := LoadKey(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("the key is made with mode %v", info.Mode())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("the folder has %v, %v", left, err)
	}
	again, err := LoadKey(file)
	if err != nil || !bytes.Equal(again.private, made.private) || again.Public.ID != made.Public.ID {
		t.Errorf("read again it is another key: %v, %v", again.Public, err)
	}
}

func TestLoadKeyRefuses(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	private := func(b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b}))
	}
	for _, tc := range []struct{ text, want string }{
		{"", "no private key in PEM"},
		{"hello", "no private key in PEM"},
		{private([]byte("hello")), "no private key in PKCS #8"},
		{private(der), "not of the kind Ed25519"},
	} {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadKey(file); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "key_file") {
			t.Errorf("%q: %v, want %q, the file and what to do", tc.text, err, tc.want)
		}
		if text, err := os.ReadFile(file); err != nil || string(text) != tc.text {
			t.Errorf("the file was changed: %q, %v", text, err)
		}
	}
	if _, err := LoadKey(filepath.Join(t.TempDir(), "no", "key")); err == nil || !strings.Contains(err.Error(), "key_file") {
		t.Errorf("no folder: %v", err)
	}
	if _, err := LoadKey(t.TempDir()); err == nil || !strings.Contains(err.Error(), "key_file") {
		t.Errorf("a folder: %v", err)
	}
}

func TestParseKeys(t *testing.T) {
	key := mustKey(t).Public
	doc, err := WellKnown(key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(mustKey(t).private.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"document": string(doc), "one key": mustJSON(t, key), "PEM": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
	} {
		if keys, err := ParseKeys([]byte(text)); err != nil || len(keys) != 1 || keys[0].check() != nil {
			t.Errorf("%s: %v, %v", name, keys, err)
		}
	}
	wrong := key
	wrong.ID = "0000000000000000"
	short := key
	short.Key = short.Key[:31]
	other := key
	other.Algorithm = "RSA"
	for _, text := range []string{"", "{}", "[]", `{"keys":[]}`, mustJSON(t, wrong), mustJSON(t, short), mustJSON(t, other), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY"}))} {
		if keys, err := ParseKeys([]byte(text)); err == nil {
			t.Errorf("%q gives %v", text, keys)
		}
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kid":"x","alg":"Ed25519","public_key":"AAAA"}]}`))
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := ParseKeys(text)
		for _, k := range keys {
			if bad := k.check(); err != nil || bad != nil {
				t.Errorf("%+v: %v, %v", k, err, bad)
			}
		}
	})
}
