package importtest

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// An imported is one import clause.
type imported struct {
	dir  string // of the package that imports, from the top of the module
	path string
	at   string // file and line
	test bool   // in a test file
}

// scan reads the import clauses of all packages in a module's folder. Each
// package is there at least once, with an empty path if it imports nothing.
func scan(module fs.FS) ([]imported, error) {
	var found []imported
	err := fs.WalkDir(module, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (ignored(d.Name()) || isModule(module, name)):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go" || ignored(d.Name()):
			return nil
		}
		clauses, err := scanFile(module, name)
		found = append(found, clauses...)
		return err
	})
	return found, err
}

// ignored reports whether the go command passes by a file or folder.
func ignored(name string) bool {
	return name == "testdata" || name == "vendor" || name[0] == '.' || name[0] == '_'
}

// isModule reports whether a folder is a module of its own.
func isModule(module fs.FS, folder string) bool {
	_, err := fs.Stat(module, path.Join(folder, "go.mod"))
	return err == nil
}

func scanFile(module fs.FS, name string) ([]imported, error) {
	src, err := fs.ReadFile(module, name)
	if err != nil {
		return nil, err
	}
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, name, src, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	clause := imported{dir: path.Dir(name), at: name, test: strings.HasSuffix(name, "_test.go")}
	found := []imported{clause}
	for _, spec := range f.Imports {
		if clause.path, err = strconv.Unquote(spec.Path.Value); err != nil {
			return nil, err // the parser has read it as a string before
		}
		clause.at = fmt.Sprintf("%s:%d", name, files.Position(spec.Pos()).Line)
		found = append(found, clause)
	}
	return found, nil
}

// check returns a sentence for each thing that is not as the table says.
func check(table map[string]layer, imports []imported) []string {
	var complaints []string
	complain := func(format string, args ...any) {
		complaints = append(complaints, fmt.Sprintf(format, args...))
	}
	seen := map[string]bool{}
	for _, i := range imports {
		if _, ok := table[i.dir]; !ok && !seen[i.dir] {
			complain("package %s is not in the table of layers: add it to internal/importtest/layers_test.go with what it may import", i.dir)
		}
		seen[i.dir] = true
	}
	for _, i := range imports {
		if l, ok := table[i.dir]; ok {
			if why := refuse(l, i); why != "" {
				complain("%s: %s", i.at, why)
			}
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(table)) {
		if !seen[dir] {
			complain("the table of layers names %s, which is not there: take it out of internal/importtest/layers_test.go", dir)
		}
	}
	return complaints
}

// refuse says why a package may not import what it does, and what to do. It
// is empty when it may.
func refuse(l layer, i imported) string {
	ours, isOurs := strings.CutPrefix(i.path, module+"/")
	switch {
	case i.path == "" || i.test && ours == i.dir:
		return "" // nothing, or a test of the package from outside
	case isOurs && allowed(l, i.test, func(may string) bool { return ours == may }):
		return ""
	case isOurs:
		return fmt.Sprintf("%s may not import %s: let %[1]s declare a small interface for what it needs, which %[2]s implements, or move what both need below both", i.dir, ours)
	case !strings.Contains(strings.Split(i.path, "/")[0], "."):
		if l.pure && !i.test && reachesOutside(i.path) {
			return fmt.Sprintf("%s is pure and may not import %s: let the caller reach outside and pass in the result", i.dir, i.path)
		}
		return ""
	case allowed(l, i.test, func(may string) bool { return i.path == may || strings.HasPrefix(i.path, may+"/") }):
		return ""
	}
	return fmt.Sprintf("%s may not import %s: do without, use it through the package that has it, or name it in internal/importtest/layers_test.go with a reason in the commit", i.dir, i.path)
}

func allowed(l layer, test bool, matches func(string) bool) bool {
	return slices.ContainsFunc(l.may, matches) || test && slices.ContainsFunc(l.tests, matches)
}

func TestCheck(t *testing.T) {
	table := map[string]layer{
		"low":  {pure: true, tests: []string{"high"}},
		"high": {may: []string{"low", "example.com/lib"}},
		"gone": {},
	}
	for _, c := range []struct {
		name, file, source string
		want               []string // beginnings of the complaints, without the one about gone
	}{
		{name: "down", file: "high/a.go", source: `import "` + module + `/low"`},
		{name: "up", file: "low/a.go", source: `import "` + module + `/high"`, want: []string{"low/a.go:2: low may not import high: let low declare"}},
		{name: "up in a test", file: "low/a_test.go", source: `import "` + module + `/high"`},
		{name: "own package in a test", file: "high/a_test.go", source: `import "` + module + `/high"`},
		{name: "library", file: "high/a.go", source: `import "example.com/lib/part"`},
		{name: "other library", file: "high/a.go", source: `import _ "example.com/library"`, want: []string{"high/a.go:2: high may not import example.com/library: do without"}},
		{name: "library below", file: "low/a_test.go", source: `import "example.com/lib"`, want: []string{"low/a_test.go:2: low may not import example.com/lib: do without"}},
		{name: "pure", file: "low/a.go", source: `import "net/http"`, want: []string{"low/a.go:2: low is pure and may not import net/http"}},
		{name: "a pure package's test", file: "low/a_test.go", source: `import "os"`},
		{name: "other systems", file: "low/a_windows.go", source: `import "os"`, want: []string{"low/a_windows.go:2: low is pure"}},
		{name: "new package", file: "new/a.go", want: []string{"package new is not in the table"}},
		{name: "at the top", file: "a.go", want: []string{"package . is not in the table"}},
		{name: "not ours to check", file: "high/testdata/a.go", source: `import "` + module + `/gone"`},
		{name: "a module of its own", file: "high/other/a.go", source: `import "` + module + `/gone"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := fstest.MapFS{"low/low.go": {Data: []byte("package low")}, "high/high.go": {Data: []byte("package high")}}
			files["high/other/go.mod"] = &fstest.MapFile{Data: []byte("module other")}
			files[c.file] = &fstest.MapFile{Data: []byte("package p\n" + c.source)}
			imports, err := scan(files)
			if err != nil {
				t.Fatal(err)
			}
			got := check(table, imports)
			want := append(c.want, "the table of layers names gone, which is not there")
			if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) })); diff != "" {
				t.Error(diff)
			}
		})
	}
}
