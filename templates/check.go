package templates

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"text/template/parse"
)

// checkOverrides checks what can be known of overrides without executing
// them. What passes cannot fail while it is executed: only known fields,
// comparisons of strings and blocks that do not call themselves are left.
func checkOverrides(dir string, builtin, overrides sources, languages []string) error {
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		if err := checkName(filepath.Join(dir, name+".tmpl"), name, languages); err != nil {
			return err
		}
		for _, block := range slices.Sorted(maps.Keys(overrides[name])) {
			if strings.Contains(name, ".") && slices.Contains(phrases, block) {
				tree := overrides[name][block]
				return fmt.Errorf("%s: block %q is the same on every platform: move it to %s.tmpl", place(tree, tree.Root), block, name[strings.IndexByte(name, '.')+1:])
			}
			if err := checkBlock(builtin, block, overrides[name][block]); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkName(file, name string, languages []string) error {
	platform, tag, both := strings.Cut(name, ".")
	if !both {
		platform, tag = "", name
	}
	if both && !slices.Contains(Platforms, platform) {
		return fmt.Errorf("%s: unknown platform %q: use one of %s", file, platform, strings.Join(Platforms, ", "))
	}
	for _, language := range languages {
		if slices.Contains(lineage(language), tag) {
			return nil
		}
	}
	return fmt.Errorf("%s: unknown language %q: add it to [site] languages or remove the file", file, tag)
}

// isWord reports whether a block is plain text, without fields.
func isWord(block string) bool {
	return block == "comma" || block == "colon" || strings.Contains(block, ".")
}

// data returns the type of what a block sees; nil is nothing.
func data(block string) reflect.Type {
	switch {
	case isWord(block):
		return nil
	case block == "time":
		return reflect.TypeFor[clock]()
	case block == "date":
		return reflect.TypeFor[day]()
	case strings.HasPrefix(block, talkPrefix):
		return reflect.TypeFor[talkView]()
	case slices.Contains(phrases, block):
		return reflect.TypeFor[phrase]()
	}
	return reflect.TypeFor[view]()
}

// A checker checks the nodes of one block.
type checker struct {
	builtin sources
	tree    *parse.Tree
	data    reflect.Type
}

func checkBlock(builtin sources, block string, tree *parse.Tree) error {
	c := checker{builtin, tree, data(block)}
	if !c.known(block) {
		return c.wrong(tree.Root, "unknown block %q: %s", block, c.blockNames(block))
	}
	if !isWord(block) {
		return c.list(tree.Root)
	}
	for _, n := range tree.Root.Nodes {
		if n.Type() != parse.NodeText {
			return c.wrong(n, "block %q is a word: write plain text without {{…}}", block)
		}
	}
	if word := strings.TrimSpace(plain(tree.Root.String())); word == "" || strings.Contains(word, "\n") {
		return c.wrong(tree.Root, "block %q is not a word: write one line of text, or remove the block", block)
	}
	return nil
}

// known reports whether there is a block of that name: one of English, or the
// name of a time zone.
func (c *checker) known(block string) bool {
	return c.builtin[english][block] != nil || strings.HasPrefix(block, "zone.")
}

// blockNames lists the words, or the other blocks, for who has mistyped one.
func (c *checker) blockNames(like string) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(c.builtin[english])) {
		if isWord(name) == isWord(like) {
			names = append(names, name)
		}
	}
	return "use one of " + strings.Join(names, ", ")
}

// wrong returns an error at a node. The format ends with what to do.
func (c *checker) wrong(n parse.Node, format string, args ...any) error {
	return fmt.Errorf("%s: %s", place(c.tree, n), line(fmt.Sprintf(format, args...)))
}

func (c *checker) list(list *parse.ListNode) error {
	if list == nil {
		return nil
	}
	for _, n := range list.Nodes {
		if err := c.node(n); err != nil {
			return err
		}
	}
	return nil
}

// node checks what may stand in a text: text, a field, if, template.
func (c *checker) node(n parse.Node) error {
	switch n := n.(type) {
	case *parse.TextNode:
		return nil
	case *parse.ActionNode:
		return c.printed(n)
	case *parse.IfNode:
		if err := c.condition(n.Pipe); err != nil {
			return err
		}
		if err := c.list(n.List); err != nil {
			return err
		}
		return c.list(n.ElseList)
	case *parse.TemplateNode:
		return c.call(n)
	}
	return c.wrong(n, "%s is not available: use fields, if, else and template", clip(n.String(), 40))
}

// printed checks {{.Field}}.
func (c *checker) printed(n *parse.ActionNode) error {
	if arg := single(n.Pipe); arg != nil {
		return c.stringField(arg)
	}
	return c.wrong(n, "%s is not available: print one field, like {{.Body}}", n)
}

// call checks {{template "part" .}}.
func (c *checker) call(n *parse.TemplateNode) error {
	switch {
	case !c.known(n.Name):
		return c.wrong(n, "unknown block %q: %s", n.Name, c.blockNames(n.Name))
	case isWord(n.Name):
		return nil
	case data(n.Name) != c.data:
		return c.wrong(n, "block %q has other fields than this one: print a field instead", n.Name)
	}
	if arg := single(n.Pipe); arg == nil || arg.Type() != parse.NodeDot {
		return c.wrong(n, `block %q needs the message: write {{template "%s" .}}`, n.Name, n.Name)
	}
	return nil
}

// single returns the one operand of a pipeline that is nothing else.
func single(p *parse.PipeNode) parse.Node {
	if p == nil || len(p.Decl) > 0 || len(p.Cmds) != 1 || len(p.Cmds[0].Args) != 1 {
		return nil
	}
	return p.Cmds[0].Args[0]
}

// condition checks what follows if: a field, or and, or, not, eq, ne.
func (c *checker) condition(p *parse.PipeNode) error {
	if len(p.Decl) > 0 || len(p.Cmds) != 1 {
		return c.wrong(p, "%s is not available: use a field, and, or, not, eq or ne", p)
	}
	args := p.Cmds[0].Args
	name, isCall := args[0].(*parse.IdentifierNode)
	if !isCall {
		return c.operand(args[0])
	}
	most := map[string]int{"not": 1, "ne": 2}[name.Ident]
	least := map[string]int{"eq": 2, "ne": 2}[name.Ident]
	if n := len(args) - 1; n < max(least, 1) || most > 0 && n > most {
		return c.wrong(p, "%s has the wrong number of operands: correct it", p)
	}
	for _, arg := range args[1:] {
		check := c.operand
		if least == 2 {
			check = c.compared
		}
		if err := check(arg); err != nil {
			return err
		}
	}
	return nil
}

// operand checks a field or a condition in parentheses.
func (c *checker) operand(n parse.Node) error {
	if p, ok := n.(*parse.PipeNode); ok {
		return c.condition(p)
	}
	_, err := c.field(n)
	return err
}

// compared checks an operand of eq or ne.
func (c *checker) compared(n parse.Node) error {
	if n.Type() == parse.NodeString {
		return nil
	}
	return c.stringField(n)
}

func (c *checker) stringField(n parse.Node) error {
	t, err := c.field(n)
	if err == nil && t.Kind() != reflect.String {
		return c.wrong(n, "%s is a condition: use it with if", n)
	}
	return err
}

func (c *checker) field(n parse.Node) (reflect.Type, error) {
	f, ok := n.(*parse.FieldNode)
	if !ok {
		return nil, c.wrong(n, "%s is not available: use a field, like .Title", n)
	}
	if found, ok := c.data.FieldByName(f.Ident[0]); ok && len(f.Ident) == 1 {
		return found.Type, nil
	}
	var names []string
	for i := range c.data.NumField() {
		names = append(names, "."+c.data.Field(i).Name)
	}
	return nil, c.wrong(n, "unknown field %s: use one of %s", n, strings.Join(names, ", "))
}

// checkCycles reports a block that calls itself, directly or through others.
func checkCycles(merged source) error {
	done := map[string]bool{}
	for _, block := range slices.Sorted(maps.Keys(merged)) {
		if err := walkCalls(merged, block, nil, done); err != nil {
			return err
		}
	}
	return nil
}

func walkCalls(merged source, block string, path []string, done map[string]bool) error {
	tree := merged[block]
	if slices.Contains(path, block) {
		return fmt.Errorf("%s: block %q calls itself: remove the {{template}} that leads back", place(tree, tree.Root), block)
	}
	if tree == nil || done[block] {
		return nil
	}
	for _, called := range calls(tree.Root) {
		if err := walkCalls(merged, called, append(path, block), done); err != nil {
			return err
		}
	}
	done[block] = true
	return nil
}

// calls lists the blocks that are called under a node.
func calls(n parse.Node) (names []string) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, child := range n.Nodes {
			names = append(names, calls(child)...)
		}
	case *parse.IfNode:
		names = append(calls(n.List), calls(n.ElseList)...)
	case *parse.TemplateNode:
		names = []string{n.Name}
	}
	return names
}
