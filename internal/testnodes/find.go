package testnodes

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"coffer.example/coffer/internal/need"
)

// Find returns the path of the coin's node: what its environment variable names (COFFER_BITCOIND, COFFER_LITECOIND,
// COFFER_DOGECOIND), else what PATH has, else what scripts/nodes.sh unpacked. Without any it is ErrNotInstalled.
func Find(coin Coin) (string, error) {
	d, ok := coin.dialect()
	if !ok {
		return "", fmt.Errorf("coin %q: %w", coin, ErrUnsupported)
	}
	if path := os.Getenv(d.env); path != "" {
		return exec.LookPath(path)
	}
	if path, err := exec.LookPath(d.daemon); err == nil {
		return path, nil
	}
	if dir, err := cacheDir(); err == nil {
		if path, err := exec.LookPath(filepath.Join(dir, "bin", d.daemon)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w: %s", d.daemon, ErrNotInstalled, d.remedy)
}

// cacheDir is the folder that scripts/nodes.sh fills.
func cacheDir() (string, error) {
	if dir := os.Getenv("COFFER_NODES"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "coffer", "nodes"), nil
}

// TB is the part of testing.TB that is used here; a playground need not import the testing package.
type TB interface {
	Helper()
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Require makes sure that the coin's node is there and returns its path. Where it is missing, the test is skipped with
// what to install; with CI=true it fails instead, but for dogecoind, of which no package exists.
func Require(tb TB, coin Coin) string {
	tb.Helper()
	path, err := Find(coin)
	if err == nil {
		return path
	}
	if d, ok := coin.dialect(); ok && !d.packaged {
		tb.Skipf("%v", err)
	}
	need.Missing(tb, "%v", err)
	return ""
}
