package lint

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// The size budgets of craft.md.
const (
	maxFunction  = 70 // lines, with the signature
	p90Function  = 35
	maxFile      = 600 // lines
	p90File      = 350
	maxMethods   = 6 // of an interface
	maxFields    = 12
	maxParameter = 5
)

// sizes holds one file to the limits that no single thing may pass.
func (c *checker) sizes(f *file) {
	if f.lines > maxFile {
		c.fault(f.syntax.Name.Pos(), "size", "file of %d lines, at most %d", f.lines, maxFile)
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if lines := c.lines(n); lines > maxFunction {
				c.fault(n.Pos(), "size", "%s has %d lines, at most %d", n.Name.Name, lines, maxFunction)
			}
		case *ast.FuncType:
			if count := n.Params.NumFields(); count > maxParameter {
				c.fault(n.Pos(), "size", "%d parameters, at most %d", count, maxParameter)
			}
		case *ast.TypeSpec:
			c.typeSize(n)
		}
		return true
	})
}

func (c *checker) typeSize(n *ast.TypeSpec) {
	switch t := n.Type.(type) {
	case *ast.InterfaceType:
		if count := t.Methods.NumFields(); count > maxMethods {
			c.fault(n.Pos(), "size", "interface %s has %d methods, at most %d", n.Name.Name, count, maxMethods)
		}
	case *ast.StructType:
		if count := t.Fields.NumFields(); count > maxFields && !settings(n.Name.Name) {
			c.fault(n.Pos(), "size", "struct %s has %d fields, at most %d", n.Name.Name, count, maxFields)
		}
	}
}

// settings reports whether a struct is one of settings, which may have many fields.
func settings(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, "options") || strings.HasSuffix(name, "params") || strings.HasSuffix(name, "config")
}

func (c *checker) lines(n ast.Node) int {
	return c.tree.fset.Position(n.End()).Line - c.tree.fset.Position(n.Pos()).Line + 1
}

// Measure is what the sizes of the production code come to.
type Measure struct {
	Files, Functions       int
	FileP90, FunctionP90   int // lines
	FileMost, FunctionMost int
}

// Measure measures the tree without its tests.
func (t *Tree) Measure() Measure {
	c := &checker{tree: t}
	var files, functions []int
	for _, f := range t.files {
		if f.test {
			continue
		}
		files = append(files, f.lines)
		for _, decl := range f.syntax.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				functions = append(functions, c.lines(fn))
			}
		}
	}
	m := Measure{Files: len(files), Functions: len(functions)}
	m.FileP90, m.FileMost = p90(files)
	m.FunctionP90, m.FunctionMost = p90(functions)
	return m
}

// p90 returns the 90th percentile and the largest of the sizes.
func p90(sizes []int) (int, int) {
	if len(sizes) == 0 {
		return 0, 0
	}
	slices.Sort(sizes)
	return sizes[(len(sizes)*9+9)/10-1], sizes[len(sizes)-1]
}

// percentiles holds the whole production code to the usual sizes.
func (c *checker) percentiles() {
	m := c.tree.Measure()
	if m.FunctionP90 > p90Function {
		c.fault(token.NoPos, "size", "nine of ten functions have up to %d lines, want %d", m.FunctionP90, p90Function)
	}
	if m.FileP90 > p90File {
		c.fault(token.NoPos, "size", "nine of ten files have up to %d lines, want %d", m.FileP90, p90File)
	}
}
