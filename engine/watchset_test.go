package engine_test

import (
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"

	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
	"coffer.example/coffer/store/watchlog"
)

// TestGivenUpAndDerived opens an index of which the watch log gives an address up that a descriptor derives by now: it
// stays watched, and nothing stands still.
func TestGivenUpAndDerived(t *testing.T) {
	w := newWorld(t, "btc", 104, "    start: genesis\n")
	ctx := t.Context()
	alone, script := w.address(1)
	w.mine(1, simnode.Pay(script, 1000))
	w.catchUp()
	if _, err := w.engine.ImportAddresses(ctx, "btc", engine.ImportRequest{Addresses: []string{alone}, From: "genesis"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.engine.ImportXpub(ctx, "btc", engine.XpubRequest{Key: "wpkh(" + tpub + "/0/*)", From: "genesis"}); err != nil {
		t.Fatal(err)
	}
	w.catchUp()
	next, err := w.engine.NextAddress(ctx, "btc", 1, engine.NextRequest{})
	if err != nil {
		t.Fatal(err)
	}
	w.close()
	derived, err := w.coin.Script(next.Address)
	if err != nil {
		t.Fatal(err)
	}
	log, _, err := watchlog.Open(filepath.Join(w.folder(), "watch.log"), w.coin.Params(), watchlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	record := &watchlog.Record{Kind: watchlog.GivenUp, Scripts: []watchlog.Script{{Script: derived}, {Script: script}}}
	if _, err := log.Append(record); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	w.open()
	w.catchUp()
	if w.balance(next.Address).Scanning {
		t.Error("what is derived is not whole")
	}
	if _, err := w.engine.Balance(ctx, "btc", alone); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("given up: %v", err)
	}
}

// hookedFile calls after every sync.
type hookedFile struct {
	watchlog.File
	synced func()
}

func (f hookedFile) Sync() error {
	defer f.synced()
	return f.File.Sync()
}

// TestSettledJobRuns fails an import between the watch log and the index of a running engine: the next change brings the
// index up to the log, and the past is read at once.
func TestSettledJobRuns(t *testing.T) {
	w := newWorld(t, "btc", 104, "    start: genesis\n")
	first, script := w.address(1)
	second, _ := w.address(2)
	w.mine(1, simnode.Pay(script, 1000))
	w.close()
	var armed, full atomic.Bool
	w.options.WatchLog = func(f watchlog.File) watchlog.File {
		return hookedFile{f, func() {
			if armed.CompareAndSwap(true, false) {
				full.Store(true)
			}
		}}
	}
	w.options.Free = func(string) (uint64, error) {
		if full.Load() {
			return 0, nil
		}
		return 1 << 50, nil
	}
	w.open()
	w.run()
	w.atTip()
	ctx := t.Context()
	armed.Store(true)
	if _, err := w.engine.ImportAddresses(ctx, "btc", engine.ImportRequest{Addresses: []string{first}, From: "genesis"}); err == nil {
		t.Fatal("imported on a full disk")
	}
	full.Store(false)
	if _, err := w.engine.ImportAddresses(ctx, "btc", engine.ImportRequest{Addresses: []string{second}, From: "none"}); err != nil {
		t.Fatal(err)
	}
	if job := w.ended(1); job.State != "done" {
		t.Errorf("%+v", job)
	}
	if b := w.balance(first); b.Scanning || b.Coins != 1 {
		t.Errorf("%+v", b)
	}
}
