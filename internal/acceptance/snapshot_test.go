package acceptance_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

// snapshotRounds are how often a process is killed over a snapshot or a restore in go test, and with COFFER_SOAK=1.
func snapshotRounds() int {
	if os.Getenv("COFFER_SOAK") == "1" {
		return 60
	}
	return 4
}

// TestKillSnapshot kills the daemon at random moments while it saves its indexes and the chains go on. What has the
// snapshot's name then is whole, and restores to a sound index; the indexes are none the worse.
func TestKillSnapshot(t *testing.T) {
	g := newGround(t, 5, 150)
	g.watch(g.file, 0, 6)
	g.done(g.file, nil, "daemon", "--once")
	random := rand.New(rand.NewPCG(5, 6))
	to := filepath.Join(t.TempDir(), "saved")
	whole := 0
	for round := range snapshotRounds() {
		d := g.daemon(g.file, nil)
		g.awaitTips(g.file)
		g.during(d, time.Duration(random.IntN(250))*time.Millisecond, "snapshot", "--to", to)
		g.check(g.file)
		if _, err := os.Stat(to); errors.Is(err, os.ErrNotExist) {
			continue
		}
		whole++
		t.Logf("round %d: the snapshot was whole", round)
		g.restores(to)
		g.must(os.RemoveAll(to))
	}
	d := g.daemon(g.file, nil)
	g.awaitTips(g.file)
	var report engine.SnapshotReport
	g.done(g.file, &report, "snapshot", "--to", to) // whatever the last one has left behind
	d.end(syscall.SIGTERM)
	g.restores(to)
	t.Logf("%d of %d were whole when the daemon was killed", whole, snapshotRounds())
	g.settle(g.file)
}

// during runs a command beside a daemon, which is killed after a moment, while the chains go on.
func (g *ground) during(d *daemon, moment time.Duration, args ...string) {
	g.t.Helper()
	cmd := g.command(g.file, args...)
	g.must(cmd.Start())
	g.bustle(moment, 3, func() {})
	d.end(syscall.SIGKILL)
	_ = cmd.Wait() // it may have lost the daemon
}

// restores makes sure that a snapshot can be restored into an empty folder, and is what it says.
func (g *ground) restores(from string) {
	g.t.Helper()
	_, file := g.configured()
	var report engine.RestoreReport
	g.done(file, &report, "restore", from, "--verify")
	if len(report.Coins) != len(g.chains) {
		g.t.Errorf("restored %+v", report)
	}
	for symbol, checked := range g.check(file) {
		for _, one := range report.Coins {
			if one.Coin == symbol && (one.Digest != checked.Digest || *one.Tip != *checked.Tip) {
				g.t.Errorf("%s: restored %+v, there is %+v", symbol, one, checked)
			}
		}
	}
}

// TestKillRestore kills a restore at random moments. Each coin has the index from before then or the restored one, sound
// and whole; and in the end they have caught up with an undisturbed run.
func TestKillRestore(t *testing.T) {
	g := newGround(t, 6, 150)
	g.watch(g.file, 0, 6)
	g.done(g.file, nil, "daemon", "--once")
	to := filepath.Join(t.TempDir(), "saved")
	var saved engine.SnapshotReport
	g.done(g.file, &saved, "snapshot", "--to", to)
	old := map[coins.Symbol]string{}
	for _, one := range saved.Coins {
		old[one.Coin] = one.Digest
	}
	g.bustle(time.Second/2, 10, func() {})
	for _, c := range g.chains {
		_, err := c.chain.Mine(1)
		g.must(err)
	}
	g.done(g.file, nil, "daemon", "--once")
	random := rand.New(rand.NewPCG(6, 7))
	seen := map[string]int{}
	for range snapshotRounds() {
		now := map[coins.Symbol]string{}
		for symbol, report := range g.check(g.file) {
			now[symbol] = report.Digest
		}
		cmd := g.command(g.file, "restore", to, "--replace", "--verify")
		g.must(cmd.Start())
		end := time.NewTimer(time.Duration(20+random.IntN(400)) * time.Millisecond)
		<-end.C
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it may have been done before
		for symbol, report := range g.check(g.file) {
			switch report.Digest {
			case old[symbol]:
				seen["restored"]++
			case now[symbol]:
				seen["as before"]++
			default:
				t.Errorf("%s: digest is %s, neither the snapshot's nor the one before", symbol, report.Digest)
			}
		}
		g.done(g.file, nil, "daemon", "--once")
		kept, err := filepath.Glob(filepath.Join(g.dir, "data", "*", "index.replaced-*"))
		g.must(err)
		for _, dir := range kept {
			g.must(os.RemoveAll(dir))
		}
	}
	t.Log(fmt.Sprint(seen))
	disturbed := g.settle(g.file)
	_, undisturbed := g.configured()
	for symbol, digest := range g.settle(undisturbed) {
		if disturbed[symbol] != digest {
			t.Errorf("%s: digest is %s, that of an undisturbed run %s", symbol, disturbed[symbol], digest)
		}
	}
}
