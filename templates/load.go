package templates

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template/parse"
	"unicode/utf8"
)

//go:embed texts/*.tmpl
var embedded embed.FS

// A source is the blocks of one file.
type source map[string]*parse.Tree

// sources are files by the name that embedded texts and overrides share, such
// as "en" or "wechat.en".
type sources map[string]source

// Load reads the embedded texts and those of the override directory dir ("" is
// none) for the given languages (BCP 47 tags). Every text is tried on
// examples, so that what can be wrong with an override is found here: the
// error is one line that names file and line, what is wrong and what to do.
func Load(dir string, languages []string) (*Set, error) {
	all, sum := sources{}, sha256.New()
	builtin, err := fs.Sub(embedded, "texts")
	if err != nil {
		return nil, err
	}
	if err := all.read(builtin, "texts", sum); err != nil {
		return nil, fmt.Errorf("embedded texts: %w", err)
	}
	languages = append(slices.Sorted(maps.Keys(all.languages())), languages...)
	if dir == "" {
		return newSet(all, nil, languages, sum.Sum(nil))
	}
	overrides := sources{}
	if err := overrides.read(os.DirFS(dir), dir, sum); err != nil {
		return nil, err
	}
	if err := checkOverrides(dir, all, overrides, languages); err != nil {
		return nil, err
	}
	s, err := newSet(all, overrides, languages, sum.Sum(nil))
	if err != nil {
		return nil, err
	}
	if k, err := rehearse(s); err != nil {
		return nil, blame(all, overrides, k, err)
	}
	plain, err := newSet(all, nil, languages, nil)
	if err != nil {
		return nil, err
	}
	for name, pin := range s.pins {
		s.pins[name] = Pin{SHA256: pin.SHA256, Builtin: pin == plain.pins[name]}
	}
	return s, nil
}

// read adds the files of a directory. Names beginning with a dot are none of
// ours.
func (all sources) read(dir fs.FS, path string, sum io.Writer) error {
	files, err := fs.ReadDir(dir, ".")
	if err != nil {
		return fmt.Errorf("cannot read the templates in %s: %w: create the directory or remove [site] templates", path, cause(err))
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), ".") {
			continue
		}
		file := filepath.Join(path, f.Name())
		name, ok := strings.CutSuffix(f.Name(), ".tmpl")
		if !ok {
			return fmt.Errorf("%s: not a template: name it <language>.tmpl or <platform>.<language>.tmpl, or move it away", file)
		}
		text, err := fs.ReadFile(dir, f.Name())
		if err != nil {
			return fmt.Errorf("%s: %w: make it readable or remove it", file, cause(err))
		}
		fmt.Fprintf(sum, "%q %d\n%s", f.Name(), len(text), text)
		if all[name], err = parseSource(file, text); err != nil {
			return err
		}
	}
	return nil
}

// cause strips a file error of the path, which the caller names better.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

func (all sources) languages() map[string]bool {
	found := map[string]bool{}
	for name := range all {
		found[name[strings.IndexByte(name, '.')+1:]] = true
	}
	return found
}

// functions are those a template may call.
func functions() map[string]any {
	return map[string]any{"and": true, "or": true, "not": true, "eq": true, "ne": true}
}

func parseSource(file string, text []byte) (source, error) {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	if !utf8.Valid(text) {
		valid := bytes.ToValidUTF8(text, []byte{0})
		n := 1 + bytes.Count(valid[:bytes.IndexByte(valid, 0)], []byte("\n"))
		return nil, fmt.Errorf("%s:%d: not UTF-8: save the file as UTF-8", file, n)
	}
	trees, err := parse.Parse(file, string(text), "", "", functions())
	if err != nil {
		return nil, fmt.Errorf("%s: mend it, or remove the block", strings.TrimPrefix(err.Error(), "template: "))
	}
	top := trees[file]
	delete(trees, file)
	if top != nil && !parse.IsEmptyTree(top.Root) {
		return nil, fmt.Errorf(`%s: text outside of a block: put it between {{define "…"}} and {{end}}`, place(top, firstText(top.Root)))
	}
	return source(trees), nil
}

// firstText returns the first node that is not empty.
func firstText(list *parse.ListNode) parse.Node {
	for _, n := range list.Nodes {
		if text, ok := n.(*parse.TextNode); !ok || len(bytes.TrimSpace(text.Text)) > 0 {
			return n
		}
	}
	return list
}

// place returns file and line of a node.
func place(tree *parse.Tree, n parse.Node) string {
	location, _ := tree.ErrorContext(n)
	return location
}
