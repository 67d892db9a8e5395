package lint

import (
	"go/ast"
	"slices"
	"strings"
)

// every allows anything in an import list.
const every = "*"

// layer is a row of architecture.md's table: what a package and those below it may import.
type layer struct {
	pkg    string
	ours   []string // packages of the module; "node/..." is node and all below it
	others []string // prefixes of libraries beside the standard one
}

// layers is architecture.md's table. The row with the longest matching pkg counts; a package without one is a fault.
func layers() []layer {
	anything := []string{every}
	btcd, ltcd := "github.com/btcsuite/", "github.com/ltcsuite/"
	hashes, sync := "golang.org/x/crypto", "golang.org/x/sync"
	data := []string{"coins", "utxo", "ledger", "spend", "notify"}
	return []layer{
		{".", anything, anything},
		{"cmd", anything, anything},
		{"examples", anything, anything},
		{"bench", anything, anything},
		{"bench/chaingen", nil, []string{btcd, hashes}},
		{"bench/chaingen/cmd", []string{"bench/chaingen", "internal/testnodes"}, nil},

		{"coins", []string{"coins/sha256d"}, []string{hashes}},
		{"coins/sha256d", nil, nil},
		{"coins/core", []string{"coins"}, []string{btcd}},
		{"coins/descriptor", []string{"coins"}, []string{btcd}},
		{"coins/btc", []string{"coins", "coins/core"}, []string{btcd, hashes}},
		{"coins/doge", []string{"coins", "coins/core"}, []string{btcd, hashes}},
		{"coins/ltc", []string{"coins", "coins/core"}, []string{ltcd, hashes}},
		{"coins/coinstest", []string{"coins"}, []string{btcd, ltcd}},

		{"node", []string{"coins", "node/..."}, []string{sync, "github.com/lightninglabs/gozmq", "github.com/go-zeromq/zmq4"}},
		{"scanner", []string{"coins", "scanner/..."}, []string{sync}},
		{"utxo", []string{"coins", "utxo/..."}, []string{sync}},
		{"utxo/whole", []string{"coins", "coins/sha256d", "utxo"}, nil},

		{"ledger", []string{"coins", "utxo", "ledger/..."}, []string{hashes, sync}},
		{"spend", []string{"coins", "utxo", "ledger", "spend/..."}, []string{hashes, sync}},
		{"notify", []string{"ledger", "notify/..."}, []string{hashes, sync}},

		{"store/badgerkv", join(data, "store/badgerkv/..."), []string{"github.com/dgraph-io/badger/v4"}},
		{"store/bunsql", join(data, "store/bunsql/..."), []string{"github.com/uptrace/bun", "modernc.org/sqlite", "github.com/jackc/pgx", "github.com/go-sql-driver/mysql"}},
		{"store", data, nil},

		{"engine", join(data, "utxo/...", "coins/...", "node/...", "scanner", "store/...", "engine/..."), anything},
		{"api", join(data, "engine", "scanner", "api/..."), anything},

		{"internal/simnode", []string{"coins/...", "internal/simnode/..."}, []string{btcd, ltcd, hashes, sync}},
		{"internal/model", data, nil},
		{"internal/sim", anything, anything},
		{"internal/child", nil, nil},
		{"internal/need", nil, nil},
		{"internal/testnodes", []string{"internal/child", "internal/need", "internal/testnodes/..."}, nil},
		{"internal/testdb", []string{"internal/child", "internal/need"}, nil},
		{"internal/acceptance", anything, anything},
		{"internal/lint", nil, nil},
	}
}

// join leaves its list as it is.
func join(list []string, more ...string) []string { return slices.Concat(list, more) }

// exclusive is a library that only the named packages may import.
type exclusive struct {
	library string
	only    []string
	tests   bool // whether test files are held to it too
}

func exclusives() []exclusive {
	return []exclusive{
		{"github.com/dgraph-io/", []string{"store/badgerkv"}, true},
		{"github.com/uptrace/bun", []string{"store/bunsql"}, true},
		{"modernc.org/sqlite", []string{"store/bunsql"}, true},
		{"github.com/jackc/pgx", []string{"store/bunsql"}, true},
		{"github.com/go-sql-driver/mysql", []string{"store/bunsql"}, true},
		{"github.com/urfave/cli", []string{"cmd", "examples"}, true},
		{"github.com/btcsuite/", []string{"coins/core", "coins/btc", "coins/doge", "coins/descriptor", "coins/coinstest", "internal/simnode", "bench"}, false},
		{"github.com/ltcsuite/", []string{"coins/ltc", "coins/coinstest", "internal/simnode", "bench"}, false},
		{"testing", []string{"internal", "bench"}, false},
		{"log", nil, true},
		{"log/slog", []string{".", "cmd", "api", "engine", "examples"}, false},
	}
}

// layerOf returns the table's row for a package.
func layerOf(pkg string) (layer, bool) {
	var best layer
	found := false
	for _, l := range layers() {
		fits := pkg == "." && l.pkg == "." || l.pkg != "." && under(pkg, l.pkg)
		if fits && (!found || len(l.pkg) > len(best.pkg)) {
			best, found = l, true
		}
	}
	return best, found
}

// imports holds a file to the import table and to the exclusive libraries.
func (c *checker) imports(f *file) {
	row, known := layerOf(f.pkg)
	for _, spec := range f.syntax.Imports {
		name := importPath(spec)
		c.exclusive(f, spec, name)
		if f.test || !known {
			continue
		}
		if ours, ok := c.tree.ours(name); ok {
			if !mayImport(row, ours) {
				c.fault(spec.Pos(), "imports", "%s may not import %s", f.pkg, ours)
			}
		} else if strings.Contains(strings.Split(name, "/")[0], ".") && !allowed(row.others, name) {
			c.fault(spec.Pos(), "imports", "%s may not import %s", f.pkg, name)
		}
	}
}

// ours returns the package's folder when the import is of this module.
func (t *Tree) ours(name string) (string, bool) {
	if name == t.Module {
		return ".", true
	}
	return strings.CutPrefix(name, t.Module+"/")
}

func mayImport(row layer, ours string) bool {
	return slices.ContainsFunc(row.ours, func(may string) bool {
		tree, isTree := strings.CutSuffix(may, "/...")
		return may == every || may == ours || isTree && under(ours, tree)
	})
}

func allowed(list []string, name string) bool {
	return slices.ContainsFunc(list, func(may string) bool { return may == every || strings.HasPrefix(name, may) })
}

func (c *checker) exclusive(f *file, spec *ast.ImportSpec, name string) {
	for _, e := range exclusives() {
		hit := name == e.library || strings.Contains(e.library, ".") && strings.HasPrefix(name, e.library)
		if !hit || f.test && !e.tests || name == "testing" && strings.HasSuffix(f.pkg, "test") {
			continue // coinstest, storetest and their like are exported suites
		}
		if !slices.ContainsFunc(e.only, func(may string) bool { return under(f.pkg, may) }) {
			c.fault(spec.Pos(), "imports", "only %s may import %s", onlyText(e.only), name)
		}
	}
}

func onlyText(only []string) string {
	if len(only) == 0 {
		return "nothing"
	}
	return strings.Join(only, ", ")
}

// leaks holds the coins' exported signatures and fields to types of our own.
func (c *checker) leaks(f *file) {
	if f.test || !underAny(f.pkg, "coins/btc", "coins/doge", "coins/ltc") {
		return
	}
	libraries := map[string]bool{}
	for _, spec := range f.syntax.Imports {
		if name := importPath(spec); strings.HasPrefix(name, "github.com/") {
			libraries[local(spec)] = true
		}
	}
	for _, decl := range f.syntax.Decls {
		for _, exported := range exportedTypes(decl) {
			ast.Inspect(exported, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && libraries[x.Name] {
						c.fault(s.Pos(), "leak", "an exported signature names %s.%s of a library", x.Name, s.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

// exportedTypes are the type expressions that users of the declaration see.
func exportedTypes(decl ast.Decl) []ast.Node {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() {
			return []ast.Node{d.Type}
		}
	case *ast.GenDecl:
		var seen []ast.Node
		for _, spec := range d.Specs {
			if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() {
				seen = append(seen, visible(s.Type)...)
			}
		}
		return seen
	}
	return nil
}

// visible leaves a struct's unexported fields out.
func visible(t ast.Expr) []ast.Node {
	s, ok := t.(*ast.StructType)
	if !ok {
		return []ast.Node{t}
	}
	var seen []ast.Node
	for _, field := range s.Fields.List {
		if slices.ContainsFunc(field.Names, (*ast.Ident).IsExported) || len(field.Names) == 0 {
			seen = append(seen, field.Type)
		}
	}
	return seen
}
