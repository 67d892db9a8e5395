package lint

import (
	"go/ast"
	"go/token"
	"strings"
)

// calls holds a file to what may not be called, and money to integers.
func (c *checker) calls(f *file) {
	names := map[string]string{} // what the file calls the standard packages of interest
	for _, spec := range f.syntax.Imports {
		names[local(spec)] = importPath(spec)
	}
	for _, decl := range f.syntax.Decls {
		within := ""
		if fn, ok := decl.(*ast.FuncDecl); ok {
			within = fn.Name.Name
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				c.call(f, n, names, within)
			case *ast.Ident, *ast.BasicLit:
				c.float(f, n)
			}
			return true
		})
	}
}

func (c *checker) call(f *file, n *ast.CallExpr, names map[string]string, within string) {
	switch fun := n.Fun.(type) {
	case *ast.Ident:
		if fun.Name == "panic" && !f.test && !asserts(within) {
			c.fault(n.Pos(), "panic", "panic in %s: return an error, or put a programmer's error into a function named assert…", within)
		}
	case *ast.SelectorExpr:
		if x, ok := fun.X.(*ast.Ident); ok {
			if !(f.test && within == "TestMain") { // TestMain is a test program's main
				c.forbidden(f, n.Pos(), names[x.Name], fun.Sel.Name)
			}
		}
	}
}

func asserts(function string) bool {
	return strings.HasPrefix(strings.ToLower(function), "assert")
}

// forbidden judges a call of a function of a package.
func (c *checker) forbidden(f *file, at token.Pos, pkg, function string) {
	isMain := f.syntax.Name.Name == "main"
	switch {
	case pkg == "os" && function == "Exit" && !isMain:
		c.fault(at, "exit", "only main exits: return an error")
	case pkg == "log" && (strings.HasPrefix(function, "Fatal") || strings.HasPrefix(function, "Panic")):
		c.fault(at, "exit", "log.%s ends the process: return an error", function)
	case pkg == "fmt" && strings.HasPrefix(function, "Print") && !underAny(f.pkg, "cmd", "bench", "examples", "internal"):
		c.fault(at, "print", "fmt.%s writes to standard output: return what is to be shown", function)
	case pkg == "time" && function == "Sleep" && f.test:
		c.fault(at, "sleep", "a test waits for a state or an event, not for a time")
	case pkg == "strconv" && function == "ParseFloat" && money(f):
		c.fault(at, "float", "amounts are parsed as integers, not by ParseFloat")
	}
}

// money reports whether the file's package handles amounts.
func money(f *file) bool {
	return !f.test && underAny(f.pkg, "coins", "utxo", "ledger", "spend")
}

// float refuses floating point types and literals in money code.
func (c *checker) float(f *file, n ast.Node) {
	if !money(f) {
		return
	}
	switch n := n.(type) {
	case *ast.Ident:
		if n.Name == "float64" || n.Name == "float32" {
			c.fault(n.Pos(), "float", "%s in a package that handles money: use integers", n.Name)
		}
	case *ast.BasicLit:
		if n.Kind == token.FLOAT {
			c.fault(n.Pos(), "float", "%s in a package that handles money: use integers", n.Value)
		}
	}
}
