package acceptance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/need"
)

// Sizes of the disk, with room for everything and with less than an index keeps free.
const (
	roomyDisk = "size=4g" // of memory, which is taken only as it is written
	tightDisk = "size=300m"
)

// TestFullDisk runs the daemon on a disk that becomes full while the chains go on. Each coin says what is in its way, the
// daemon lives on, and when there is room again nothing is missing.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, roomyDisk); err != nil {
		need.Missing(t, "mount a small disk: %v; it takes root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	resize := func(size string) {
		if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT, size); err != nil {
			t.Fatal(err)
		}
	}
	g := newGround(t, 3, 200)
	file := g.configure(g.dir, filepath.Join(disk, "data"))
	g.watch(file, 0, 6)
	d := g.daemon(file, nil)
	g.awaitTips(file)
	resize(tightDisk)
	g.bustle(time.Second, 20, func() {})
	for _, c := range g.chains {
		_, err := c.chain.Mine(1)
		g.must(err)
	}
	g.await("every coin waits for room", file, func(status *engine.CoinStatus, _ coins.BlockID) bool {
		return strings.Contains(status.Reason, "free")
	})
	for _, args := range [][]string{{"rescan", "btc"}, {"index", "compact", "btc"}, {"snapshot", "--to", filepath.Join(disk, "saved")}} {
		if code, complaint := g.run(file, nil, args...); code == 0 || !strings.Contains(complaint, `"disk_full"`) {
			t.Errorf("%v with a full disk ends with %d: %s", args, code, complaint)
		}
	}
	d.end(syscall.SIGTERM)
	// What had no room may be told once more; it is read again.
	if d.code() != 0 && !strings.Contains(d.log.String(), `"code":"disk_full"`) {
		t.Fatalf("SIGTERM with a full disk: exit code %d\n%s", d.code(), d.log)
	}
	for _, args := range [][]string{{"utxos", "btc"}, {"status"}, {"index", "check", "ltc"}} {
		if code, complaint := g.run(file, nil, args...); code != 0 && d.code() == 0 {
			t.Errorf("%v reads, and with a full disk ends with %d: %s", args, code, complaint)
		}
	}
	code, complaint := g.run(file, nil, "daemon", "--once")
	if code == 0 || !strings.Contains(complaint, "disk") {
		t.Errorf("daemon --once with a full disk ends with %d: %s", code, complaint)
	}
	d = g.daemon(file, nil)
	g.bustle(time.Second, 20, func() {})
	resize(roomyDisk)
	g.awaitTips(file)
	d.end(syscall.SIGTERM)
	full := g.settle(file)
	_, never := g.configured()
	for symbol, digest := range g.settle(never) {
		if full[symbol] != digest {
			t.Errorf("%s: digest is %s, that of an undisturbed run %s", symbol, full[symbol], digest)
		}
	}
	if left, err := os.ReadDir(disk); err != nil || len(left) != 1 {
		t.Errorf("the disk holds %v, %v", left, err)
	}
}

// awaitTips waits until every coin stands at its chain's tip.
func (g *ground) awaitTips(file string) {
	g.t.Helper()
	g.await("every coin at its tip", file, func(status *engine.CoinStatus, tip coins.BlockID) bool {
		return status.Tip != nil && *status.Tip == tip
	})
}

// await asks the daemon for its status until a condition holds for every coin.
func (g *ground) await(what, file string, holds func(*engine.CoinStatus, coins.BlockID) bool) {
	g.t.Helper()
	limit := time.NewTimer(2 * patience)
	defer limit.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var status engine.Status
		g.done(file, &status, "status")
		missing := ""
		for i := range status.Coins {
			tip := g.chains[i].chain.Tip()
			if one := &status.Coins[i]; !holds(one, tip) {
				missing += fmt.Sprintf("\n%s %s %q at %v, node at %v", one.Coin, one.State, one.Reason, one.Tip, tip)
			}
		}
		if missing == "" {
			return
		}
		select {
		case <-tick.C:
		case <-limit.C:
			g.t.Fatalf("waited in vain: %s:%s", what, missing)
		}
	}
}
