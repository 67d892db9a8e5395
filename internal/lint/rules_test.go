package lint

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// checkOne checks one file beside its package's doc.go.
func checkOne(t *testing.T, name, source string) []string {
	t.Helper()
	tree := NewTree("example.org/m")
	dir := name[:strings.LastIndex(name, "/")+1]
	for path, text := range map[string]string{name: source, dir + "doc.go": "// Package p is documented.\npackage p\n"} {
		if err := tree.Add(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	var faults []string
	for _, f := range tree.Check() {
		faults = append(faults, f.String())
	}
	return faults
}

// breach is a source with the fault it must give: "LINE: RULE", or nothing.
type breach struct{ name, path, source, want string }

func runBreaches(t *testing.T, cases []breach) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			faults := checkOne(t, c.path, c.source)
			if c.want == "" {
				if len(faults) > 0 {
					t.Fatalf("unexpected: %s", strings.Join(faults, "\n"))
				}
				return
			}
			want := c.path + ":" + c.want + ": "
			if len(faults) != 1 || !strings.HasPrefix(faults[0], want) {
				t.Fatalf("got %q, want one fault that begins with %q", faults, want)
			}
		})
	}
}

func importing(path string) string { return "package p\n\nimport _ \"" + path + "\"\n" }

func TestImports(t *testing.T) {
	const fails = "3: imports"
	runBreaches(t, []breach{
		{"std", "coins/x.go", importing("encoding/hex"), ""},
		{"hashes in coins", "coins/x.go", importing("golang.org/x/crypto/scrypt"), ""},
		{"btcd in btc", "coins/btc/x.go", importing("github.com/btcsuite/btcd/wire/v2"), ""},
		{"ltcd in ltc", "coins/ltc/x.go", importing("github.com/ltcsuite/ltcd/wire"), ""},
		{"coins in btc", "coins/btc/x.go", importing("example.org/m/coins"), ""},
		{"vocabulary in scanner", "scanner/x.go", importing("example.org/m/coins"), ""},
		{"own subpackage", "node/x.go", importing("example.org/m/node/rpc"), ""},
		{"parent", "node/rpc/x.go", importing("example.org/m/node"), ""},
		{"badger in its store", "store/badgerkv/x.go", importing("github.com/dgraph-io/badger/v4"), ""},
		{"bun in its store", "store/bunsql/x.go", importing("github.com/uptrace/bun/dialect/pgdialect"), ""},
		{"engine on the parts", "engine/x.go", importing("example.org/m/scanner"), ""},
		{"engine on a coin", "engine/x.go", importing("example.org/m/coins/btc"), ""},
		{"a suite", "node/nodetest/x.go", importing("testing"), ""},
		{"store without a driver", "store/memkv/x.go", importing("example.org/m/utxo"), ""},
		{"root on everything", "x.go", importing("example.org/m/store/badgerkv"), ""},
		{"test across the table", "scanner/x_test.go", importing("example.org/m/coins/btc"), ""},
		{"test with btcd", "utxo/x_test.go", importing("github.com/btcsuite/btcd/wire/v2"), ""},

		{"coins on a coin", "coins/x.go", importing("example.org/m/coins/btc"), fails},
		{"coins on a library", "coins/x.go", importing("gopkg.in/yaml.v3"), fails},
		{"coin on coin", "coins/btc/x.go", importing("example.org/m/coins/ltc"), fails},
		{"scanner on a coin", "scanner/x.go", importing("example.org/m/coins/btc"), fails},
		{"scanner on node", "scanner/x.go", importing("example.org/m/node"), fails},
		{"node on utxo", "node/x.go", importing("example.org/m/utxo"), fails},
		{"utxo on its store", "utxo/x.go", importing("example.org/m/store/badgerkv"), fails},
		{"ledger on scanner", "ledger/x.go", importing("example.org/m/scanner"), fails},
		{"notify on utxo", "notify/x.go", importing("example.org/m/utxo"), fails},
		{"store on engine", "store/badgerkv/x.go", importing("example.org/m/engine"), fails},
		{"driver in another store", "store/memkv/x.go", importing("golang.org/x/sync/errgroup"), fails},
		{"api around engine", "api/x.go", importing("example.org/m/node"), fails},
		{"engine on cmd", "engine/x.go", importing("example.org/m/cmd/coffer"), fails},
		{"production on test nodes", "node/x.go", importing("example.org/m/internal/testnodes"), fails},
		{"unnamed library", "scanner/x.go", importing("github.com/other/thing"), fails},
		{"driver in engine", "engine/x.go", importing("github.com/uptrace/bun"), fails},
		{"badger in a foreign test", "utxo/x_test.go", importing("github.com/dgraph-io/badger/v4"), fails},
		{"btcd in the facade", "x.go", importing("github.com/btcsuite/btcd/wire/v2"), fails},
		{"testing in production", "engine/x.go", importing("testing"), fails},
		{"slog in the core", "scanner/x.go", importing("log/slog"), fails},
	})
}

func TestUnknownPackage(t *testing.T) {
	faults := checkOne(t, "surprise/x.go", "package p\n")
	if len(faults) != 1 || !strings.Contains(faults[0], "no row in the import table") {
		t.Fatalf("got %q, want one fault of the import table", faults)
	}
}

func TestImportOfTwoFaults(t *testing.T) {
	faults := checkOne(t, "coins/ltc/x.go", importing("github.com/btcsuite/btcd/wire/v2"))
	if len(faults) != 2 || !strings.Contains(strings.Join(faults, "\n"), "coins/ltc may not import github.com/btcsuite/btcd/wire/v2") {
		t.Fatalf("btcd in ltc: %q", faults)
	}
}

func TestLeaks(t *testing.T) {
	source := func(decl string) string {
		return "package p\n\nimport \"github.com/btcsuite/btcd/wire/v2\"\n\n// Doc.\n" + decl + "\n"
	}
	runBreaches(t, []breach{
		{"inside", "coins/btc/x.go", source("func F() { var m wire.MsgTx; _ = m }"), ""},
		{"unexported", "coins/btc/x.go", source("func f() *wire.MsgTx { return nil }"), ""},
		{"unexported field", "coins/btc/x.go", source("type T struct { m wire.MsgTx }"), ""},
		{"result", "coins/btc/x.go", source("func F() *wire.MsgTx { return nil }"), "6: leak"},
		{"parameter", "coins/doge/x.go", source("func F(m []wire.MsgTx) {}"), "6: leak"},
		{"field", "coins/btc/x.go", source("type T struct { M wire.MsgTx }"), "6: leak"},
	})
}

func TestSizes(t *testing.T) {
	lines := func(n int) string { return strings.Repeat("\n", n) }
	fields := func(name string, n int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "package p\n\ntype %s struct {\n", name)
		for i := range n {
			fmt.Fprintf(&b, "\tf%d int\n", i)
		}
		return b.String() + "}\n"
	}
	methods := func(n int) string {
		var b strings.Builder
		b.WriteString("package p\n\ntype i interface {\n")
		for i := range n {
			fmt.Fprintf(&b, "\tm%d()\n", i)
		}
		return b.String() + "}\n"
	}
	runBreaches(t, []breach{
		{"file", "coins/x_test.go", "package p\n" + lines(590), ""},
		{"long file", "coins/x_test.go", "package p\n" + lines(600), "1: size"},
		{"function", "coins/x_test.go", "package p\n\nfunc f() {" + lines(69) + "}\n", ""},
		{"long function", "coins/x_test.go", "package p\n\nfunc f() {" + lines(70) + "}\n", "3: size"},
		{"struct", "coins/x.go", fields("thing", 12), ""},
		{"large struct", "coins/x.go", fields("thing", 13), "3: size"},
		{"options", "coins/x.go", fields("openOptions", 20), ""},
		{"params", "coins/x.go", fields("Params", 20)[:10] + fields("params", 20)[10:], ""},
		{"interface", "coins/x.go", methods(6), ""},
		{"large interface", "coins/x.go", methods(7), "3: size"},
		{"parameters", "coins/x.go", "package p\n\nfunc f(a, b, c, d, e int) {}\n", ""},
		{"many parameters", "coins/x.go", "package p\n\nfunc f(a, b, c, d, e, g int) {}\n", "3: size"},
		{"many in a literal", "coins/x.go", "package p\n\ntype f func(a, b, c, d, e, g int)\n", "3: size"},
	})
}

func TestPercentiles(t *testing.T) {
	tree := NewTree("example.org/m")
	for i := range 10 {
		text := fmt.Sprintf("// Package p is documented.\npackage p\n\nfunc f%d() {%s}\n", i, strings.Repeat("\n", 40))
		if err := tree.Add(fmt.Sprintf("coins/p%d/doc.go", i), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	faults := tree.Check()
	if len(faults) != 1 || faults[0].Rule != "size" || !strings.Contains(faults[0].Text, "nine of ten functions") {
		t.Fatalf("got %v, want one fault of the functions' percentile", faults)
	}
	if m := tree.Measure(); m.FunctionP90 != 41 || m.Functions != 10 || m.Files != 10 {
		t.Fatalf("measured %+v", m)
	}
}

func TestP90(t *testing.T) {
	for _, c := range []struct{ count, want int }{{0, 0}, {1, 1}, {10, 9}, {11, 10}, {100, 90}} {
		var sizes []int
		for i := range c.count {
			sizes = append(sizes, i+1)
		}
		if got, _ := p90(sizes); got != c.want {
			t.Errorf("p90 of 1…%d is %d, want %d", c.count, got, c.want)
		}
	}
}

func TestCalls(t *testing.T) {
	call := func(pkg, imported, statement string) string {
		return "package " + pkg + "\n\nimport \"" + imported + "\"\n\nfunc f() { " + statement + " }\n"
	}
	runBreaches(t, []breach{
		{"main exits", "cmd/coffer/x.go", call("main", "os", "os.Exit(1)"), ""},
		{"exit", "engine/x.go", call("p", "os", "os.Exit(1)"), "5: exit"},
		{"print in cmd", "cmd/coffer/x.go", call("main", "fmt", `fmt.Println("x")`), ""},
		{"print", "engine/x.go", call("p", "fmt", `fmt.Println("x")`), "5: print"},
		{"print under another name", "engine/x.go", "package p\n\nimport f \"fmt\"\n\nfunc g() { f.Printf(\"\") }\n", "5: print"},
		{"method of that name", "engine/x.go", "package p\n\nfunc f(fmt t) { fmt.Println() }\n\ntype t struct{}\n", ""},
		{"sleep in a test", "engine/x_test.go", call("p", "time", "time.Sleep(1)"), "5: sleep"},
		{"panic", "engine/x.go", "package p\n\nfunc f() { panic(1) }\n", "3: panic"},
		{"assert", "engine/x.go", "package p\n\nfunc assertOrder() { panic(1) }\n", ""},
		{"panic in a test", "engine/x_test.go", "package p\n\nfunc f() { panic(1) }\n", ""},
		{"float", "coins/x.go", "package p\n\nfunc f(n int) { _ = float64(n) }\n", "3: float"},
		{"float literal", "ledger/x.go", "package p\n\nfunc f() { _ = 0.5 }\n", "3: float"},
		{"parsed float", "utxo/x.go", call("p", "strconv", `_, _ = strconv.ParseFloat("1", 64)`), "5: float"},
		{"float elsewhere", "scanner/x.go", "package p\n\nfunc f(n int) { _ = float64(n) * 0.5 }\n", ""},
	})
}

func TestLogEndsNothing(t *testing.T) {
	faults := checkOne(t, "cmd/coffer/x.go", "package main\n\nimport \"log\"\n\nfunc f() { log.Fatalf(\"\") }\n")
	if len(faults) != 2 || !strings.Contains(faults[1], "5: exit") {
		t.Fatalf("got %q, want log refused and Fatalf refused", faults)
	}
}

func TestDeclarations(t *testing.T) {
	runBreaches(t, []breach{
		{"init", "engine/x.go", "package p\n\nfunc init() {}\n", "3: init"},
		{"method called init", "engine/x.go", "package p\n\nfunc (t) init() {}\n\ntype t struct{}\n", ""},
		{"variable", "engine/x.go", "package p\n\nvar table = []int{1}\n", "3: var"},
		{"variable in a test", "engine/x_test.go", "package p\n\nvar table = []int{1}\n", ""},
		{"sentinel", "engine/x.go", "package p\n\nimport \"errors\"\n\n// ErrX is documented.\nvar ErrX = errors.New(\"x\")\n", ""},
		{"false sentinel", "engine/x.go", "package p\n\nvar errCount = 5\n", "3: var"},
		{"check", "engine/x.go", "package p\n\nvar _ interface{} = 1\n", ""},
		{"embedded", "api/x.go", "package p\n\nimport _ \"embed\"\n\n//go:embed x.html\nvar page string\n", ""},
		{"local variable", "engine/x.go", "package p\n\nfunc f() { var table = 1; _ = table }\n", ""},
		{"stored context", "engine/x.go", "package p\n\nimport \"context\"\n\ntype t struct {\n\tctx context.Context\n}\n", "6: context"},
		{"late context", "engine/x.go", "package p\n\nimport \"context\"\n\nfunc f(n int, ctx context.Context) {}\n", "5: context"},
		{"first context", "engine/x.go", "package p\n\nimport \"context\"\n\nfunc f(ctx context.Context, n int) {}\n", ""},
	})
}

func TestDocumentation(t *testing.T) {
	runBreaches(t, []breach{
		{"function", "engine/x.go", "package p\n\nfunc F() {}\n", "3: doc"},
		{"method", "engine/x.go", "package p\n\n// T is documented.\ntype T struct{}\n\nfunc (*T) F() {}\n", "6: doc"},
		{"method of a hidden type", "engine/x.go", "package p\n\ntype t struct{}\n\nfunc (t) F() {}\n", ""},
		{"type", "engine/x.go", "package p\n\ntype T int\n", "3: doc"},
		{"type in a group", "engine/x.go", "package p\n\n// Group.\ntype (\n\tT int\n)\n", "5: doc"},
		{"constant", "engine/x.go", "package p\n\nconst C = 1\n", "3: doc"},
		{"constant in a group", "engine/x.go", "package p\n\n// Group.\nconst (\n\tC = 1\n)\n", ""},
		{"unfinished", "engine/x.go", "package p\n\n// TO" + "DO: later\n", "3: unfinished"},
		{"test", "engine/x_test.go", "package p\n\nfunc F() {}\n", ""},
		{"empty name", "internal/sim/helpers/a.go", "package helpers\n", "1: name"},
	})
}

func TestMissingDoc(t *testing.T) {
	tree := NewTree("example.org/m")
	if err := tree.Add("engine/x.go", []byte("// Package p is documented, but not in doc.go.\npackage p\n")); err != nil {
		t.Fatal(err)
	}
	if faults := tree.Check(); len(faults) != 1 || faults[0].Rule != "doc" {
		t.Fatalf("got %v, want one fault of doc.go", faults)
	}
}

func TestGeneratedAndForeignFilesAreNotRead(t *testing.T) {
	bad := []byte("package p\n\nfunc init() {}\n")
	tree := NewTree("example.org/m")
	err := tree.AddFS(fstest.MapFS{
		"engine/doc.go":           {Data: []byte("// Package p is documented.\npackage p\n")},
		"engine/gen.go":           {Data: append([]byte("// Code generated by x. DO NOT EDIT.\n\n"), bad...)},
		"engine/testdata/x.go":    {Data: bad},
		".hidden/x.go":            {Data: bad},
		"engine/readme.txt":       {Data: []byte("func init() {}")},
		"engine/_old/x.go":        {Data: bad},
		"engine/testdata/deep.go": {Data: []byte("not Go")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if faults := tree.Check(); len(faults) != 0 {
		t.Fatalf("read what it should not: %v", faults)
	}
	if err := NewTree("m").AddFS(fstest.MapFS{"x.go": {Data: []byte("not Go")}}); err == nil {
		t.Fatal("a file that is not Go was taken")
	}
}
