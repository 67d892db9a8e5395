package lint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTree holds this module to every rule.
func TestTree(t *testing.T) {
	root, module := moduleRoot(t)
	tree := NewTree(module)
	if err := tree.AddFS(os.DirFS(root)); err != nil {
		t.Fatal(err)
	}
	for _, f := range tree.Check() {
		t.Error(f)
	}
	m := tree.Measure()
	if m.Functions < 100 {
		t.Errorf("only %d functions were read: is %s the module's root?", m.Functions, root)
	}
	t.Logf("%d files, p90 %d lines, longest %d; %d functions, p90 %d lines, longest %d",
		m.Files, m.FileP90, m.FileMost, m.Functions, m.FunctionP90, m.FunctionMost)
}

// moduleRoot finds go.mod above this package and returns its folder and the module's path.
func moduleRoot(t *testing.T) (string, string) {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			first, _, _ := strings.Cut(string(text), "\n")
			return dir, strings.TrimSpace(strings.TrimPrefix(first, "module"))
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above this package")
		}
		dir = filepath.Dir(dir)
	}
}
