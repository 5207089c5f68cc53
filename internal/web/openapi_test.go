package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// description is what the tests use of openapi.json.
type description struct {
	Paths map[string]map[string]struct {
		Parameters []struct {
			Name, In string
		}
		RequestBody struct {
			Content map[string]struct{ Schema schema }
		}
		Responses map[string]struct {
			Content map[string]struct{ Schema schema }
		}
	}
	Components struct{ Schemas map[string]schema }
}

type schema map[string]any

func describe(t testing.TB) *description {
	t.Helper()
	var d description
	if err := json.Unmarshal(openapiJSON, &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

func (d *description) resolve(s schema) schema {
	if ref, ok := s["$ref"].(string); ok {
		return d.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")]
	}
	return s
}

// wrong says where a value differs from its schema. A property that the
// schema does not have is an error too: the description is complete.
func (d *description) wrong(s schema, v any, at string) []string {
	s = d.resolve(s)
	if all, ok := s["allOf"].([]any); ok {
		merged := schema{"type": "object", "properties": map[string]any{}, "required": []any{}}
		for _, part := range all {
			p := d.resolve(part.(map[string]any))
			maps.Copy(merged["properties"].(map[string]any), p["properties"].(map[string]any))
			merged["required"] = append(merged["required"].([]any), p["required"].([]any)...)
		}
		s = merged
	}
	var out []string
	if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, v) {
		out = append(out, fmt.Sprintf("%s is %v, not one of %v", at, v, enum))
	}
	if c, ok := s["const"]; ok && c != v {
		out = append(out, fmt.Sprintf("%s is %v, not %v", at, v, c))
	}
	if types := fmt.Sprint(s["type"]); s["type"] != nil && !strings.Contains(types, typeOf(v)) {
		return append(out, fmt.Sprintf("%s is %s, not %s", at, typeOf(v), types))
	}
	if s["format"] == "date-time" && v != nil && !utcTime.MatchString(v.(string)) {
		out = append(out, fmt.Sprintf("%s is %v, no time in UTC", at, v))
	}
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			out = append(out, d.wrong(s["items"].(map[string]any), e, fmt.Sprintf("%s.%d", at, i))...)
		}
	case map[string]any:
		out = append(out, d.wrongObject(s, v, at)...)
	}
	return out
}

var utcTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`)

func (d *description) wrongObject(s schema, v map[string]any, at string) []string {
	var out []string
	props, _ := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := v[name.(string)]; !ok {
			out = append(out, fmt.Sprintf("%s.%s is missing", at, name))
		}
	}
	for name, e := range v {
		if p, ok := props[name].(map[string]any); ok {
			out = append(out, d.wrong(p, e, at+"."+name)...)
		} else if more, ok := s["additionalProperties"].(map[string]any); ok {
			out = append(out, d.wrong(more, e, at+"."+name)...)
		} else if props != nil {
			out = append(out, fmt.Sprintf("%s.%s is not described", at, name))
		}
	}
	return out
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	default:
		return "object"
	}
}

// conforms checks an answer of the API against its description.
func (s *site) conforms(method, path string, a answer) {
	s.t.Helper()
	path, _, _ = strings.Cut(path, "?")
	if !strings.HasPrefix(path, "/v1/") || a.status == http.StatusMethodNotAllowed {
		return
	}
	d := describe(s.t)
	media, want := "application/problem+json", schema{"$ref": "#/components/schemas/Problem"}
	if a.status < 400 {
		media, want = "application/json", d.answer(method, path, a.status)
	}
	if got := a.header.Get("Content-Type"); got != media {
		s.t.Errorf("%s %s: Content-Type %q, want %q", method, path, got, media)
	}
	if want == nil {
		s.t.Errorf("%s %s: an answer %d is not described", method, path, a.status)
		return
	}
	for _, w := range d.wrong(want, a.json(s.t), "answer") {
		s.t.Errorf("%s %s: %s", method, path, w)
	}
}

// answer finds the schema of an answer.
func (d *description) answer(method, path string, status int) schema {
	for template, methods := range d.Paths {
		pattern := regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(regexp.QuoteMeta(template), "[^/]+")
		pattern = regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(pattern, "[^/]+")
		if regexp.MustCompile("^" + pattern + "$").MatchString(path) {
			return methods[strings.ToLower(method)].Responses[fmt.Sprint(status)].Content["application/json"].Schema
		}
	}
	return nil
}

func TestEveryRouteIsDescribed(t *testing.T) {
	var served, described []string
	for _, rt := range (&api{}).routes() {
		served = append(served, rt.pattern)
	}
	for path, methods := range describe(t).Paths {
		for method := range methods {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(served)
	slices.Sort(described)
	if diff := cmp.Diff(served, described); diff != "" {
		t.Errorf("routes and openapi.json differ (-served +described):\n%s", diff)
	}
}

func TestPathParametersAreDescribed(t *testing.T) {
	for path, methods := range describe(t).Paths {
		for method, op := range methods {
			var named []string
			for _, p := range op.Parameters {
				if p.In == "path" {
					named = append(named, "{"+p.Name+"}")
				}
			}
			if diff := cmp.Diff(regexp.MustCompile(`\{[a-z]+\}`).FindAllString(path, -1), named); diff != "" {
				t.Errorf("%s %s: path parameters (-in the path +described):\n%s", method, path, diff)
			}
		}
	}
}

// A field that is not known is refused with the list of those that are, which
// has to be that of the description.
func TestEveryFieldIsDescribed(t *testing.T) {
	s := newSite(t)
	d := describe(t)
	paths := strings.NewReplacer("{ref}", "INC-1", "{n}", "1", "{draft}", "D-1", "{id}", "1", "{bot}", "tg")
	for path, methods := range d.Paths {
		method := "POST"
		op, ok := methods["post"]
		if edit, patches := methods["patch"]; patches {
			method, op, ok = "PATCH", edit, true
		}
		if !ok {
			continue
		}
		a := s.must(422, "Dee", method, paths.Replace(path), `{"strange": 1}`)
		props, _ := d.resolve(op.RequestBody.Content["application/json"].Schema)["properties"].(map[string]any)
		want := slices.Sorted(maps.Keys(props))
		var said string
		for i := range 9 { // the one about the strange field, after what else is wrong
			if text, _ := a.at(t, fmt.Sprintf("errors.%d.detail", i)).(string); strings.HasPrefix(text, `"strange" is not known here`) {
				said = text
			}
		}
		if said == "" {
			t.Errorf("%s %s: the strange field is not named: %s", method, path, a.body)
		}
		_, list, _ := strings.Cut(said, "the fields are ")
		var got []string
		if list != "" {
			got = slices.Sorted(slices.Values(strings.Split(list, ", ")))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %s: fields (-described +known):\n%s", method, path, diff)
		}
	}
}
