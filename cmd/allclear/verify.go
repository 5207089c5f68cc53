package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/internal/audit"
)

// Bounds of what is verified.
const (
	maxExport = 1 << 30 // bytes
	maxKeys   = 1 << 20 // bytes of a document with keys
	keysTime  = 20 * time.Second
)

// verifyCmd checks an export, without a server.
type verifyCmd struct {
	File string `arg:"" help:"An export in JSON; - is standard input."`
	Key  string `placeholder:"FILE|URL" help:"Who must have signed: a public key in PEM, a copy of /.well-known/allclear.json, or its address."`
}

func (c *verifyCmd) Run(e *env) error {
	data, err := c.read(e)
	if err != nil {
		return err
	}
	x, err := audit.Verify(data)
	if err != nil {
		return fmt.Errorf("%s does not hold: %w", c.File, err)
	}
	if c.Key != "" {
		keys, err := trustedKeys(e.ctx, c.Key)
		if err != nil {
			return fmt.Errorf("key %s: %w", c.Key, err)
		}
		if !slices.ContainsFunc(keys, func(k audit.PublicKey) bool { return bytes.Equal(k.Key, x.Signature.Key) }) {
			return fmt.Errorf("%s was signed by key %s, which is not in %s: it may be anybody's", c.File, x.Signature.ID, c.Key)
		}
	}
	c.report(e, x)
	return nil
}

func (c *verifyCmd) read(e *env) ([]byte, error) {
	if c.File == "-" {
		return io.ReadAll(io.LimitReader(e.in, maxExport))
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxExport))
}

// report says what holds, and what the file alone cannot say.
func (c *verifyCmd) report(e *env, x *audit.Export) {
	records := 0
	for _, l := range x.Lines {
		if l.Record != "" {
			records++
		}
	}
	fmt.Fprintf(e.out, "%s holds: %s, %d records of %d lines of the audit, each byte as it was signed.\n", c.File, x.Ref, records, x.Head.ID)
	fmt.Fprintf(e.out, "Signed by key %s; the newest line is of %s UTC, with hash %s.\n", x.Signature.ID, x.Head.Time.Format(time.DateTime), x.Head.Hash)
	if x.Report.Erased > 0 {
		fmt.Fprintf(e.out, "%d records about it were erased.\n", x.Report.Erased)
	}
	switch {
	case c.Key != "":
		fmt.Fprintf(e.out, "The key is one of those in %s.\n", c.Key)
	case x.Site != "":
		fmt.Fprintf(e.out, "Whose key that is, a file cannot prove: compare with %s/.well-known/allclear.json, or give that as --key.\n", strings.TrimSuffix(x.Site, "/"))
	default:
		fmt.Fprintln(e.out, "Whose key that is, a file cannot prove: give the key that you trust as --key.")
	}
}

// trustedKeys reads keys from a file, or from an address.
func trustedKeys(ctx context.Context, from string) ([]audit.PublicKey, error) {
	if !strings.HasPrefix(from, "https://") && !strings.HasPrefix(from, "http://") {
		text, err := os.ReadFile(from)
		if err != nil {
			return nil, err
		}
		return audit.ParseKeys(text)
	}
	ctx, cancel := context.WithTimeout(ctx, keysTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New("the server answered " + resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxKeys))
	if err != nil {
		return nil, err
	}
	return audit.ParseKeys(text)
}
