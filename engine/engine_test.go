package engine_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// The whole way of a deposit on every coin: seen unconfirmed, confirmed, spent, and undone by a reorg.
func TestDeposit(t *testing.T) {
	for _, symbol := range engine.Symbols() {
		t.Run(string(symbol), func(t *testing.T) {
			w := newWorld(t, symbol, 150, "")
			w.run()
			w.atTip()
			address, script := w.address(1)
			result, err := w.engine.ImportAddresses(t.Context(), symbol, engine.ImportRequest{Addresses: []string{address}, From: "none"})
			if err != nil || result.Added != 1 || result.Job != nil {
				t.Fatalf("import: %+v, %v", result, err)
			}
			if _, err := w.chain.Send(simnode.TxSpec{Outputs: []simnode.Out{{Value: 3 * coins.Unit, Script: script}}}); err != nil {
				t.Fatal(err)
			}
			w.until("unconfirmed deposit", func() (bool, error) { return w.balance(address).Incoming.String() == "3.00000000", nil })
			w.mine(1)
			w.until("confirmed deposit", func() (bool, error) { return w.balance(address).Confirmed.String() == "3.00000000", nil })
			list, err := w.engine.Coins(t.Context(), symbol, engine.CoinQuery{Address: address})
			if err != nil || len(list.Coins) != 1 || list.Coins[0].Confirmations != 1 || list.Coins[0].Address != address {
				t.Fatalf("coins: %+v, %v", list, err)
			}
			if _, err := w.chain.Reorg(1, 2, simnode.WithoutMempool()); err != nil {
				t.Fatal(err)
			}
			w.until("deposit undone", func() (bool, error) {
				b := w.balance(address)
				return b.Confirmed.IsZero() && b.Incoming.String() == "3.00000000", nil
			})
			w.mine(1)
			w.until("deposit back", func() (bool, error) { return w.balance(address).Confirmed.String() == "3.00000000", nil })
			w.sound()
		})
	}
}

// An address that was paid before it was imported gets its history, and no address twice.
func TestImportPast(t *testing.T) {
	w := newWorld(t, "btc", 120, "")
	address, script := w.address(1)
	w.mine(1, simnode.Pay(script, 5))
	w.mine(30)
	w.run()
	w.atTip()
	result, err := w.engine.ImportAddresses(t.Context(), "btc", engine.ImportRequest{Addresses: []string{address, address}})
	if err != nil || result.Added != 1 || result.Known != 1 || result.Job == nil || result.Job.From != 0 || result.Job.Scripts != 1 {
		t.Fatalf("import: %+v, %v", result, err)
	}
	job := w.ended(result.Job.ID)
	if job.State != "done" || job.Found != 1 || job.Next <= 150 {
		t.Fatalf("job: %+v", job)
	}
	if b := w.balance(address); b.Confirmed.String() != "0.00000005" || b.Scanning {
		t.Errorf("balance: %+v", b)
	}
	history, err := w.engine.History(t.Context(), "btc", engine.HistoryQuery{Address: address})
	if err != nil || len(history.Events) != 1 || history.Events[0].Block.Height != 121 || history.Events[0].Kind != "funded" {
		t.Errorf("history: %+v, %v", history, err)
	}
	w.sound()
}

// Without anybody running the engine, a job is done by RunJob, and the folder can be opened again afterwards.
func TestRunJobAlone(t *testing.T) {
	w := newWorld(t, "doge", 130, "    start: 50\n")
	address, script := w.address(1)
	w.mine(1, simnode.Pay(script, 7))
	result, err := w.engine.ImportAddresses(t.Context(), "doge", engine.ImportRequest{Addresses: []string{address}, From: "10"})
	if err != nil || result.Job == nil || result.Job.State != "queued" {
		t.Fatalf("import: %+v, %v", result, err)
	}
	if err := w.engine.RunJob(t.Context(), "doge", result.Job.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.engine.Close(); err != nil {
		t.Fatal(err)
	}
	w.open()
	if b := w.balance(address); b.Confirmed.String() != "0.00000007" || b.Tip.Height != 131 {
		t.Errorf("balance: %+v", b)
	}
	w.sound()
}

func TestBadInput(t *testing.T) {
	w := newWorld(t, "btc", 20, "    start: genesis\n")
	if err := w.engine.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	good, _ := w.address(1)
	imports := func(request engine.ImportRequest) error {
		_, err := w.engine.ImportAddresses(t.Context(), "btc", request)
		return err
	}
	for _, test := range []struct {
		name string
		err  error
		want engine.Code
	}{
		{"no address", imports(engine.ImportRequest{}), engine.CodeInput},
		{"bad checksum", imports(engine.ImportRequest{Addresses: []string{good, good[:len(good)-1] + "1"}}), engine.CodeInput},
		{"beyond the tip", imports(engine.ImportRequest{Addresses: []string{good}, From: "21"}), engine.CodeInput},
		{"no date", imports(engine.ImportRequest{Addresses: []string{good}, From: "yesterday"}), engine.CodeInput},
		{"not watched", func() error { _, err := w.engine.Balance(t.Context(), "btc", good); return err }(), engine.CodeNotFound},
		{"unknown coin", func() error { _, err := w.engine.Balance(t.Context(), "eth", ""); return err }(), engine.CodeUnknownCoin},
		{"no such job", func() error { _, err := w.engine.Job(t.Context(), "btc", 9); return err }(), engine.CodeNotFound},
		{"no such block", func() error { _, err := w.engine.Block(t.Context(), "btc", "21"); return err }(), engine.CodeNotFound},
		{"no block's name", func() error { _, err := w.engine.Block(t.Context(), "btc", "x"); return err }(), engine.CodeInput},
	} {
		if got := engine.CodeOf(test.err); got != test.want || test.err == nil {
			t.Errorf("%s: %s (%v), want %s", test.name, got, test.err, test.want)
		}
	}
	list, err := w.engine.Watches(t.Context(), "btc", engine.WatchQuery{})
	if err != nil || len(list.Watches) != 0 {
		t.Errorf("bad input left something behind: %+v, %v", list, err)
	}
}

// Of a list with bad addresses every one is told of, and none is imported.
func TestEveryBadAddress(t *testing.T) {
	w := newWorld(t, "ltc", 1, "    start: genesis\n")
	good, _ := w.address(1)
	_, err := w.engine.ImportAddresses(t.Context(), "ltc", engine.ImportRequest{Addresses: []string{"x", good, "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"}})
	var bad *engine.AddressError
	if !errors.As(err, &bad) || bad.Count != 2 || bad.Faults[0].Index != 0 || bad.Faults[1].Index != 2 {
		t.Fatalf("got %v", err)
	}
}

// A full disk stops a coin with a clear reason, nothing is lost, and it heals when there is room.
func TestDiskFull(t *testing.T) {
	w := newWorld(t, "btc", 20, "")
	var free atomic.Uint64
	free.Store(1 << 40)
	w.options.Free = func(string) (uint64, error) { return free.Load(), nil }
	w.open()
	w.run()
	w.atTip()
	free.Store(1 << 20)
	w.mine(2)
	w.until("disk is full", func() (bool, error) {
		status, err := w.engine.Coin(t.Context(), "btc")
		return status.State == engine.StateWaiting && strings.Contains(status.Reason, engine.ErrDisk.Error()), err
	})
	address, _ := w.address(1)
	if _, err := w.engine.ImportAddresses(t.Context(), "btc", engine.ImportRequest{Addresses: []string{address}}); engine.CodeOf(err) != engine.CodeDisk {
		t.Errorf("import on a full disk: %v", err)
	}
	free.Store(1 << 40)
	w.atTip()
	w.sound()
}

// A node that goes away makes its coin wait; when it is back on its address the coin goes on by itself.
func TestNodeComesBack(t *testing.T) {
	w := newWorld(t, "ltc", 20, "")
	w.run()
	w.atTip()
	w.node.Close()
	w.until("node is down", func() (bool, error) {
		status, err := w.engine.Coin(t.Context(), "ltc")
		return status.State == engine.StateWaiting && status.Reason != "", err
	})
	w.mine(3)
	back, err := simnode.Serve(t.Context(), w.chain, simnode.Options{
		RPCAddr: strings.TrimPrefix(w.node.RPC, "http://"), P2PAddr: w.node.P2P, ZMQAddr: strings.TrimPrefix(w.node.ZMQ, "tcp://"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(back.Close)
	w.atTip()
}

// A job that is cancelled stops, can be resumed, and one that is interrupted by the end of the process goes on.
func TestJobsGoOn(t *testing.T) {
	w := newWorld(t, "btc", 120, "    start: 120\n")
	address, script := w.address(1)
	w.mine(3, simnode.Pay(script, 9))
	result, err := w.engine.ImportAddresses(t.Context(), "btc", engine.ImportRequest{Addresses: []string{address}, From: "1"})
	if err != nil || result.Job == nil {
		t.Fatalf("import: %+v, %v", result, err)
	}
	if job, err := w.engine.CancelJob(t.Context(), "btc", 1); err != nil || job.State != "cancelled" {
		t.Fatalf("cancel: %+v, %v", job, err)
	}
	stop := w.run()
	w.atTip()
	if b := w.balance(address); !b.Scanning {
		t.Errorf("a cancelled job leaves its addresses scanning: %+v", b)
	}
	if _, err := w.engine.ResumeJob(t.Context(), "btc", 1); err != nil {
		t.Fatal(err)
	}
	if job := w.ended(1); job.State != "done" {
		t.Errorf("job: %+v", job)
	}
	if b := w.balance(address); b.Scanning || b.Coins != 3 {
		t.Errorf("balance: %+v", b)
	}
	job, err := w.engine.Rescan(t.Context(), "btc", engine.RescanRequest{From: "0"})
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if err := w.engine.Close(); err != nil {
		t.Fatal(err)
	}
	w.open()
	w.run()
	if job := w.ended(job.ID); job.State != "done" {
		t.Errorf("job: %+v", job)
	}
	w.sound()
}

// An index rebuilt while it is followed answers as before.
func TestRebuildWhileFollowing(t *testing.T) {
	w := newWorld(t, "btc", 120, "    start: 110\n")
	address, script := w.address(1)
	w.mine(1, simnode.Pay(script, 4))
	w.run()
	w.atTip()
	result, err := w.engine.ImportAddresses(t.Context(), "btc", engine.ImportRequest{Addresses: []string{address}, From: "100"})
	if err != nil {
		t.Fatal(err)
	}
	w.ended(result.Job.ID)
	before, err := w.engine.CheckIndex(t.Context(), "btc")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		rebuilt, err := w.engine.RebuildIndex(t.Context(), "btc")
		if err != nil || rebuilt.Known != 1 || rebuilt.Job == nil {
			t.Fatalf("rebuild: %+v, %v", rebuilt, err)
		}
		w.atTip()
		w.ended(rebuilt.Job.ID)
	}
	after, err := w.engine.CheckIndex(t.Context(), "btc")
	if err != nil || !after.OK || after.Digest != before.Digest || *after.Tip != *before.Tip {
		t.Errorf("before %+v, after %+v, %v", before, after, err)
	}
}
