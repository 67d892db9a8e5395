package lint

import (
	"go/ast"
	"path"
	"regexp"
	"slices"
)

// documentation holds a file to documented exports and finished work.
func (c *checker) documentation(f *file) {
	unfinished := regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)
	for _, group := range f.syntax.Comments {
		for _, line := range group.List {
			if mark := unfinished.FindString(line.Text); mark != "" {
				c.fault(line.Pos(), "unfinished", "%s: finish it, or leave it out", mark)
			}
		}
	}
	if f.test {
		return
	}
	for _, decl := range f.syntax.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && exportedReceiver(d) && d.Doc == nil {
				c.fault(d.Pos(), "doc", "%s is exported and has no comment", d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				c.documentedSpec(d, spec)
			}
		}
	}
}

// documentedSpec takes a comment on the declaration's group, on the line above or behind the name.
func (c *checker) documentedSpec(d *ast.GenDecl, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc == nil && (d.Doc == nil || d.Lparen.IsValid()) {
			c.fault(s.Pos(), "doc", "%s is exported and has no comment", s.Name.Name)
		}
	case *ast.ValueSpec:
		if slices.ContainsFunc(s.Names, (*ast.Ident).IsExported) && s.Doc == nil && s.Comment == nil && d.Doc == nil {
			c.fault(s.Pos(), "doc", "%s is exported and has no comment", s.Names[0].Name)
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	exported := false
	ast.Inspect(d.Recv.List[0].Type, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		exported = exported || ok && id.IsExported()
		return !ok
	})
	return exported
}

// packages holds every package to a row in the import table, a doc.go, and a name that says something.
func (c *checker) packages() {
	documented, first := map[string]bool{}, map[string]*file{}
	for _, f := range c.tree.files {
		if f.test {
			continue
		}
		if path.Base(f.path) == "doc.go" && f.syntax.Doc != nil {
			documented[f.pkg] = true
		}
		if seen := first[f.pkg]; seen == nil || f.path < seen.path {
			first[f.pkg] = f
		}
	}
	for pkg, f := range first {
		at := f.syntax.Name.Pos()
		if _, known := layerOf(pkg); !known {
			c.fault(at, "imports", "package %s has no row in the import table of internal/lint", pkg)
		}
		if !documented[pkg] {
			c.fault(at, "doc", "package %s has no doc.go with a package comment", pkg)
		}
		switch path.Base(pkg) {
		case "util", "utils", "common", "helper", "helpers", "misc":
			c.fault(at, "name", "package %s: name it for what it is", pkg)
		}
	}
}
