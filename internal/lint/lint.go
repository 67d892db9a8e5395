package lint

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Fault is one place that breaks a rule.
type Fault struct {
	Pos  token.Position
	Rule string
	Text string // what is wrong and what to do
}

// String is FILE:LINE: RULE: text.
func (f Fault) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.Pos.Filename, f.Pos.Line, f.Rule, f.Text)
}

// Tree is the parsed source of a module.
type Tree struct {
	Module string // its path, as go.mod has it
	fset   *token.FileSet
	files  []*file
}

// file is one parsed source file.
type file struct {
	path   string // from the module's root, with slashes
	pkg    string // its folder from the module's root, "." for the root
	test   bool
	syntax *ast.File
	lines  int
}

// NewTree returns an empty tree of the module.
func NewTree(module string) *Tree {
	return &Tree{Module: module, fset: token.NewFileSet()}
}

// Add parses one file and adds it, unless it is generated. name is its path from the module's root.
func (t *Tree) Add(name string, source []byte) error {
	syntax, err := parser.ParseFile(t.fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if ast.IsGenerated(syntax) {
		return nil
	}
	t.files = append(t.files, &file{
		path: name, pkg: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
		syntax: syntax, lines: t.fset.File(syntax.FileStart).LineCount(),
	})
	return nil
}

// AddFS adds every Go file below the root but those in testdata and in folders whose name begins with a dot or a line.
func (t *Tree) AddFS(root fs.FS) error {
	return fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != "." && (base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		source, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		return t.Add(name, source)
	})
}

// Check holds the tree to every rule and returns the faults in order of file and line.
func (t *Tree) Check() []Fault {
	c := &checker{tree: t}
	for _, f := range t.files {
		c.imports(f)
		c.leaks(f)
		c.sizes(f)
		c.calls(f)
		c.declarations(f)
		c.documentation(f)
	}
	c.packages()
	c.percentiles()
	slices.SortFunc(c.faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Pos.Filename, b.Pos.Filename), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Text, b.Text))
	})
	return c.faults
}

// checker collects faults.
type checker struct {
	tree   *Tree
	faults []Fault
}

func (c *checker) fault(at token.Pos, rule, format string, args ...any) {
	c.faults = append(c.faults, Fault{c.tree.fset.Position(at), rule, fmt.Sprintf(format, args...)})
}

// under reports whether the package is the root folder or below it.
func under(pkg, root string) bool {
	return pkg == root || strings.HasPrefix(pkg, root+"/")
}

func underAny(pkg string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return under(pkg, root) })
}

// local is the name by which a file knows an import.
func local(spec *ast.ImportSpec) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	base := path.Base(importPath(spec))
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(importPath(spec)))
	}
	return base
}

func importPath(spec *ast.ImportSpec) string { return strings.Trim(spec.Path.Value, `"`) }
