package testnodes_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"coffer.example/coffer/internal/testnodes"
)

// fakeTB records how a requirement ended. Its Fatalf and Skipf return, unlike testing.TB's.
type fakeTB struct{ skipped, failed string }

func (f *fakeTB) Helper()                     {}
func (f *fakeTB) Cleanup(func())              {}
func (f *fakeTB) Skipf(s string, args ...any) { f.skipped = fmt.Sprintf(s, args...) }
func (f *fakeTB) Fatalf(s string, args ...any) {
	f.failed = fmt.Sprintf(s, args...)
}

func TestRequireMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("COFFER_NODES", t.TempDir())
	for _, name := range []string{"COFFER_BITCOIND", "COFFER_LITECOIND", "COFFER_DOGECOIND"} {
		t.Setenv(name, "")
	}
	cases := []struct {
		coin testnodes.Coin
		ci   string
		skip bool
		fail bool
	}{
		{testnodes.BTC, "", true, false},
		{testnodes.LTC, "", true, false},
		{testnodes.DOGE, "", true, false},
		{testnodes.BTC, "true", false, true},
		{testnodes.LTC, "true", false, true},
	}
	for _, c := range cases {
		t.Run(string(c.coin)+" CI="+c.ci, func(t *testing.T) {
			t.Setenv("CI", c.ci)
			if _, err := testnodes.Find(c.coin); !errors.Is(err, testnodes.ErrNotInstalled) {
				t.Fatalf("Find: %v", err)
			}
			var tb fakeTB
			testnodes.Require(&tb, c.coin)
			if c.skip && !strings.Contains(tb.skipped, "PATH") {
				t.Fatalf("skip reason %q does not say what to install", tb.skipped)
			}
			if c.fail && (tb.failed == "" || tb.skipped != "") {
				t.Fatalf("want a failure, got skip %q, failure %q", tb.skipped, tb.failed)
			}
		})
	}
	t.Run("doge CI=true", func(t *testing.T) {
		t.Setenv("CI", "true")
		var tb fakeTB
		testnodes.Require(&tb, testnodes.DOGE)
		if tb.skipped == "" {
			t.Fatal("dogecoind has no package, so its absence must skip even with CI=true")
		}
	})
}

func TestFindNamedByEnvironment(t *testing.T) {
	path := testnodes.Require(t, testnodes.BTC)
	t.Setenv("PATH", t.TempDir())
	t.Setenv("COFFER_NODES", t.TempDir())
	t.Setenv("COFFER_BITCOIND", path)
	if got, err := testnodes.Find(testnodes.BTC); err != nil || got != path {
		t.Fatalf("Find = %s, %v; want %s", got, err, path)
	}
	t.Setenv("COFFER_BITCOIND", filepath.Join(t.TempDir(), "missing"))
	if got, err := testnodes.Find(testnodes.BTC); err == nil {
		t.Fatalf("Find = %s for a file that is not there", got)
	}
}

func TestUnknownCoin(t *testing.T) {
	if _, err := testnodes.Find("xyz"); !errors.Is(err, testnodes.ErrUnsupported) {
		t.Fatalf("Find: %v", err)
	}
}
