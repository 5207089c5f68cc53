package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/incident"
)

// exportCmd fetches what is on record about an incident.
type exportCmd struct {
	Ref    string `arg:"" help:"The incident: INC-12."`
	Format string `enum:"json,markdown,csv" default:"markdown" help:"json (the one that can be verified), markdown or csv."`
	Output string `short:"o" type:"path" placeholder:"FILE" help:"Write to a file instead of standard output."`
}

func (c *exportCmd) Run(e *env) error {
	ref, err := incident.ParseRef(c.Ref)
	if err != nil {
		return usageError{err}
	}
	if e.json {
		c.Format = "json"
	}
	cl, err := newClient(e)
	if err != nil {
		return err
	}
	body, err := cl.call(e.ctx, "GET", "/v1/export/"+ref.String()+"?format="+c.Format, nil, nil)
	if err != nil {
		return err
	}
	if c.Output == "" {
		_, err := e.out.Write(body)
		return err
	}
	return replaceFile(c.Output, body)
}

// replaceFile writes a file that is whole or not there.
func replaceFile(name string, body []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".export-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(body)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(f.Name(), name)
}

// export signs what is on record about an incident.
func (a *app) export(ctx context.Context, ref incident.Ref) (*audit.Export, error) {
	ev, err := a.store.Evidence(ctx, ref)
	if err != nil {
		return nil, err
	}
	ev.Site = a.config.Site.URL
	return audit.Sign(ev, a.key)
}
