package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
)

// paid is a world with addresses that are paid now and then.
func paid(t *testing.T, extra string) *world {
	w := newWorld(t, "btc", 110, extra)
	for n := range byte(5) {
		address, script := w.address(n)
		w.mine(3, simnode.Pay(script, coins.Amount(1000+int(n))))
		if _, err := w.engine.ImportAddresses(t.Context(), "btc", engine.ImportRequest{Addresses: []string{address}}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) check() engine.CheckReport {
	w.t.Helper()
	report, err := w.engine.CheckIndex(w.t.Context(), w.symbol)
	if err != nil || !report.OK {
		w.t.Fatalf("index check: %v %+v", err, report)
	}
	return report
}

func (w *world) snapshot(to string) engine.SnapshotReport {
	w.t.Helper()
	report, err := w.engine.Snapshot(w.t.Context(), engine.SnapshotRequest{To: to})
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

func (w *world) restore(request engine.RestoreRequest) engine.RestoreReport {
	w.t.Helper()
	report, err := w.engine.Restore(w.t.Context(), request)
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

// A snapshot taken and restored while the daemon follows a chain that leaves the snapshot's tip meanwhile: the index
// catches up by itself, under another id, and ends like one that was never disturbed.
func TestSnapshotOnline(t *testing.T) {
	w := paid(t, "    start: genesis\n")
	w.run()
	w.atTip()
	w.until("jobs done", func() (bool, error) {
		jobs, err := w.engine.Jobs(t.Context(), "btc")
		for _, job := range jobs {
			if !job.Ended() {
				return false, err
			}
		}
		return true, err
	})
	before := w.check()
	status, err := w.engine.Coin(t.Context(), "btc")
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "saved")
	report := w.snapshot(to)
	if one := report.Coins[0]; one.Digest != before.Digest || *one.Tip != *before.Tip || one.Watched != 5 || one.Rows == 0 {
		t.Fatalf("saved %+v, the index is %+v", one, before)
	}
	_, script := w.address(1)
	if _, err := w.chain.Reorg(3, 5, simnode.WithoutMempool()); err != nil {
		t.Fatal(err)
	}
	w.mine(2, simnode.Pay(script, 77))
	w.atTip()
	want := w.check()
	if _, err := w.engine.Restore(t.Context(), engine.RestoreRequest{From: to}); engine.CodeOf(err) != engine.CodeConflict {
		t.Fatalf("restored over an index: %v", err)
	}
	restored := w.restore(engine.RestoreRequest{From: to, Verify: true, Replace: true})
	if one := restored.Coins[0]; !one.Verified || one.Replaced == "" || one.Digest != before.Digest {
		t.Fatalf("restored %+v", one)
	}
	w.atTip()
	if got := w.check(); got.Digest != want.Digest {
		t.Errorf("digest is %s after catching up, want %s", got.Digest, want.Digest)
	}
	again, err := w.engine.Coin(t.Context(), "btc")
	if err != nil || again.Index.ID == status.Index.ID || again.Index.Watched != 5 {
		t.Errorf("index %+v, before %+v, %v", again.Index, status.Index, err)
	}
	w.mine(1, simnode.Pay(script, 5))
	w.atTip()
	w.sound()
}

// Without a daemon: into an empty folder, into one that has an index, and when the process dies at the worst moments.
func TestRestoreOffline(t *testing.T) {
	w := paid(t, "    start: genesis\n")
	if err := w.engine.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := w.check()
	to := filepath.Join(t.TempDir(), "saved")
	w.snapshot(to)
	index := w.config.IndexDir(&w.config.Coins[0])
	reopen := func(change func()) {
		t.Helper()
		if err := w.engine.Close(); err != nil {
			t.Fatal(err)
		}
		change()
		w.open()
	}
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	same := func(what string) {
		t.Helper()
		if got := w.check(); got.Digest != want.Digest {
			t.Errorf("%s: digest is %s, want %s", what, got.Digest, want.Digest)
		}
	}
	reopen(func() { move(index, index+".lost") })
	w.restore(engine.RestoreRequest{From: to, Verify: true})
	same("into an empty folder")
	// The restored index was decided for, and the process died before it had its name.
	reopen(func() { move(index, index+".restored"); move(index+".lost", index) })
	same("decided and interrupted")
	left, err := filepath.Glob(index + ".replaced-*")
	if err != nil || len(left) != 1 {
		t.Errorf("the index from before is kept in %v, %v", left, err)
	}
	// It died while it loaded: nothing of that counts, and the next restore is not in its way.
	reopen(func() {
		move(index, index+".lost")
		if err := os.MkdirAll(filepath.Join(index+".restoring", "half"), 0o700); err != nil {
			t.Fatal(err)
		}
	})
	w.restore(engine.RestoreRequest{From: to, Coins: []coins.Symbol{"btc"}})
	same("after an interrupted one")
	if _, err := os.Stat(index + ".restoring"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was restoring is left: %v", err)
	}
}

// What is wrong with a snapshot, or with where it is to go, is said; nothing changes.
func TestSnapshotRefused(t *testing.T) {
	w := paid(t, "    start: genesis\n")
	if err := w.engine.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	to := filepath.Join(dir, "saved")
	w.snapshot(to)
	want := w.check()
	snapshot := func(request engine.SnapshotRequest) error {
		_, err := w.engine.Snapshot(t.Context(), request)
		return err
	}
	restore := func(request engine.RestoreRequest) error {
		request.Replace = true
		_, err := w.engine.Restore(t.Context(), request)
		return err
	}
	for _, test := range []struct {
		name string
		err  error
		want engine.Code
	}{
		{"relative", snapshot(engine.SnapshotRequest{To: "saved"}), engine.CodeInput},
		{"there already", snapshot(engine.SnapshotRequest{To: to}), engine.CodeConflict},
		{"unknown coin", snapshot(engine.SnapshotRequest{To: to + "2", Coins: []coins.Symbol{"xyz"}}), engine.CodeUnknownCoin},
		{"twice", snapshot(engine.SnapshotRequest{To: to + "2", Coins: []coins.Symbol{"btc", "btc"}}), engine.CodeInput},
		{"from relative", restore(engine.RestoreRequest{From: "saved"}), engine.CodeInput},
		{"no snapshot", restore(engine.RestoreRequest{From: dir}), engine.CodeNotFound},
		{"no such coin in it", restore(engine.RestoreRequest{From: to, Coins: []coins.Symbol{"ltc"}}), engine.CodeNotFound},
	} {
		if code := engine.CodeOf(test.err); code != test.want {
			t.Errorf("%s: %q, want %q: %v", test.name, code, test.want, test.err)
		}
	}
	damage(t, filepath.Join(to, "btc-regtest.rows"))
	if err := restore(engine.RestoreRequest{From: to}); engine.CodeOf(err) != engine.CodeIndex || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged snapshot: %v", err)
	}
	if got := w.check(); got.Digest != want.Digest {
		t.Errorf("digest is %s after what was refused, want %s", got.Digest, want.Digest)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.partial")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// damage changes one bit in the middle of a file.
func damage(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 4
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// One that is given up, and one that the disk has no room for, leave nothing.
func TestSnapshotGivenUp(t *testing.T) {
	w := paid(t, "    start: genesis\n")
	if err := w.engine.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.engine.Snapshot(ctx, engine.SnapshotRequest{To: filepath.Join(dir, "saved")})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	w.sound()
}

// Compacting changes nothing but the room that an index takes, and is done while the chain goes on.
func TestCompactOnline(t *testing.T) {
	w := paid(t, "    start: genesis\n")
	if err := w.engine.Close(); err != nil {
		t.Fatal(err)
	}
	w.options.Tend = 20 * time.Millisecond
	w.open()
	w.run()
	w.atTip()
	report, err := w.engine.CompactIndex(t.Context(), "btc")
	if err != nil || report.Before <= 0 || report.After <= 0 {
		t.Errorf("compact: %+v, %v", report, err)
	}
	w.mine(2)
	w.atTip()
	w.sound()
}

// What was imported after a snapshot is in the watch log, and so in the index that is restored from it. A folder that was
// lost comes back with the log of the snapshot.
func TestRestoreRefills(t *testing.T) {
	w := paid(t, "    start: genesis\n")
	w.catchUp()
	then := w.answers()
	to := filepath.Join(t.TempDir(), "saved")
	w.snapshot(to)
	late, script := w.address(9)
	w.mine(1, simnode.Pay(script, 4444))
	early, _ := w.address(0)
	if _, err := w.engine.ImportAddresses(t.Context(), "btc", engine.ImportRequest{Addresses: []string{late}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.engine.RemoveWatches(t.Context(), "btc", []string{early}); err != nil {
		t.Fatal(err)
	}
	w.catchUp()
	want := w.answers()
	report := w.restore(engine.RestoreRequest{From: to, Verify: true, Replace: true})
	if one := report.Coins[0]; one.WatchLog != "kept" {
		t.Errorf("restored %+v", one)
	}
	w.catchUp()
	if got := w.answers(); got != want {
		t.Errorf("after catching up:\n%s", unlike(got, want))
	}
	w.close()
	if err := os.RemoveAll(w.folder()); err != nil {
		t.Fatal(err)
	}
	w.open()
	report = w.restore(engine.RestoreRequest{From: to, Verify: true})
	if one := report.Coins[0]; one.WatchLog != "restored" {
		t.Errorf("restored %+v", one)
	}
	if got := w.answers(); got != then {
		t.Errorf("the snapshot's state:\n%s", unlike(got, then))
	}
}

// An older copy of the watch log was put back and written on, and then a newer snapshot is restored: the logs have the
// same id and length, and each has an address that the other has not. Both are watched, and in the log.
func TestRestoreOtherLog(t *testing.T) {
	w := paid(t, "    start: genesis\n")
	w.catchUp()
	log := filepath.Join(w.folder(), "watch.log")
	older, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	imported := func(n byte) string {
		address, script := w.address(n)
		w.mine(1, simnode.Pay(script, coins.Amount(1000+int(n))))
		if _, err := w.engine.ImportAddresses(t.Context(), "btc", engine.ImportRequest{Addresses: []string{address}}); err != nil {
			t.Fatal(err)
		}
		w.catchUp()
		return address
	}
	saved := imported(8)
	to := filepath.Join(t.TempDir(), "saved")
	w.snapshot(to)
	lost := func(folder string) {
		w.close()
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
	}
	lost(w.folder())
	if err := errors.Join(os.MkdirAll(w.folder(), 0o700), os.WriteFile(log, older, 0o600)); err != nil {
		t.Fatal(err)
	}
	w.open()
	since := imported(9)
	w.restore(engine.RestoreRequest{From: to, Verify: true, Replace: true})
	for _, how := range []string{"restored", "from the log"} {
		w.catchUp()
		for n, address := range []string{saved, since} {
			if total := w.balance(address).Total; total != coins.TotalOf(coins.Amount(1008+n)) {
				t.Errorf("%s: %s has %s", how, address, total)
			}
		}
		w.check()
		lost(w.config.IndexDir(&w.config.Coins[0]))
		w.open()
	}
}
