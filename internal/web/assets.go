package web

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
)

//go:embed assets
var assets embed.FS

func digestBase64(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}
