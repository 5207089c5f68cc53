package sim

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// tgParams are the parameters of one call. As in the real server every value
// is text: what is no string in a JSON body stays JSON, and objects inside of
// forms are JSON too.
type tgParams map[string]string

const tgBodyLimit = 10 << 20

// readTgParams accepts what the documentation of the Bot API does under
// "Making requests": a query string and, with POST, a form, a multipart form
// or a JSON object.
func readTgParams(r *http.Request) (tgParams, error) {
	p := tgParams{}
	p.add(r.URL.Query())
	body, err := io.ReadAll(io.LimitReader(r.Body, tgBodyLimit+1))
	if err != nil {
		return nil, tgBad("can't read the request")
	}
	if len(body) > tgBodyLimit {
		return nil, &tgError{code: http.StatusRequestEntityTooLarge, text: "Request Entity Too Large"}
	}
	if err := p.read(r.Header.Get("Content-Type"), body); err != nil {
		return nil, err
	}
	for _, v := range p {
		if !utf8.ValidString(v) {
			return nil, tgBad("strings must be encoded in UTF-8")
		}
	}
	return p, nil
}

func (p tgParams) read(contentType string, body []byte) error {
	kind, options, _ := mime.ParseMediaType(contentType)
	switch {
	case len(bytes.TrimSpace(body)) == 0:
	case kind == "application/json":
		return p.readJSON(body)
	case kind == "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return tgBad("can't parse the form")
		}
		p.add(form)
	case kind == "multipart/form-data":
		return p.readMultipart(body, options["boundary"])
	}
	return nil // any other kind is not read
}

func (p tgParams) add(values url.Values) {
	for k, v := range values {
		p[k] = v[0]
	}
}

func (p tgParams) readJSON(body []byte) error {
	if !utf8.Valid(body) { // encoding/json would replace the bytes
		return tgBad("strings must be encoded in UTF-8")
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return tgBad("can't parse the JSON object")
	}
	for k, raw := range fields {
		var s string
		switch {
		case string(raw) == "null":
		case json.Unmarshal(raw, &s) == nil:
			p[k] = s
		default:
			p[k] = string(raw)
		}
	}
	return nil
}

func (p tgParams) readMultipart(body []byte, boundary string) error {
	form, err := multipart.NewReader(bytes.NewReader(body), boundary).ReadForm(1 << 20)
	if err != nil {
		return tgBad("can't parse the multipart form")
	}
	defer form.RemoveAll()
	p.add(form.Value)
	return nil
}

// integer returns the number under key; 0 where there is none or it is no number.
func (p tgParams) integer(key string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSpace(p[key]), 10, 64)
	return n
}

// yes reads a boolean as the real server does.
func (p tgParams) yes(key string) bool {
	switch strings.ToLower(p[key]) {
	case "true", "yes", "1":
		return true
	}
	return false
}

// object decodes the JSON under key into v, and leaves v alone where there is
// none. what names it in the error.
func (p tgParams) object(key, what string, v any) error {
	if p[key] == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(p[key]), v); err != nil {
		return tgBad("can't parse %s JSON object", what)
	}
	return nil
}
