package lint

import (
	"go/ast"
	"go/token"
	"strings"
)

// declarations holds a file to explicit construction: no init, no package variables, no stored contexts.
func (c *checker) declarations(f *file) {
	for _, decl := range f.syntax.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				c.fault(d.Pos(), "init", "no init functions: construct in the wiring")
			}
		case *ast.GenDecl:
			if d.Tok == token.VAR && !f.test {
				c.variables(d)
			}
		}
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StructType:
			c.storedContext(n)
		case *ast.FuncType:
			c.contextFirst(n)
		}
		return true
	})
}

// variables allows sentinels, compile-time checks and embedded files.
func (c *checker) variables(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		s, ok := spec.(*ast.ValueSpec)
		if !ok || embeds(d.Doc) || embeds(s.Doc) {
			continue
		}
		for i, name := range s.Names {
			if name.Name == "_" || sentinel(name.Name) && i < len(s.Values) && makesError(s.Values[i]) {
				continue
			}
			c.fault(name.Pos(), "var", "package variable %s: only Err… sentinels, _ checks and embedded files are allowed", name.Name)
		}
	}
}

func sentinel(name string) bool {
	return strings.HasPrefix(name, "Err") || strings.HasPrefix(name, "err")
}

func makesError(value ast.Expr) bool {
	call, ok := value.(*ast.CallExpr)
	if !ok {
		return false
	}
	fun, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := fun.X.(*ast.Ident)
	return ok && (x.Name == "errors" && fun.Sel.Name == "New" || x.Name == "fmt" && fun.Sel.Name == "Errorf")
}

func embeds(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, line := range doc.List {
		if strings.HasPrefix(line.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

func (c *checker) storedContext(n *ast.StructType) {
	for _, field := range n.Fields.List {
		if isContext(field.Type) {
			c.fault(field.Pos(), "context", "a context is passed, never stored")
		}
	}
}

func (c *checker) contextFirst(n *ast.FuncType) {
	for i, field := range n.Params.List {
		if i > 0 && isContext(field.Type) {
			c.fault(field.Pos(), "context", "a context is the first parameter")
		}
	}
}

func isContext(t ast.Expr) bool {
	s, ok := t.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != "Context" {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == "context"
}
