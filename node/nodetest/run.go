package nodetest

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
)

// Run tests a node of each kind the factory makes.
func Run(t *testing.T, factory Factory) {
	ctx := t.Context()
	s := factory(ctx, t)
	t.Run("tip", func(t *testing.T) { testTip(ctx, t, s) })
	t.Run("headers", func(t *testing.T) { testHeaders(ctx, t, s) })
	t.Run("blocks", func(t *testing.T) { testBlocks(ctx, t, s) })
	t.Run("unknown block", func(t *testing.T) { testUnknownBlock(ctx, t, s) })
	t.Run("mempool", func(t *testing.T) { testMempool(ctx, t, s) })
	t.Run("lookups", func(t *testing.T) { testLookups(ctx, t, s) })
	t.Run("send", func(t *testing.T) { testSend(ctx, t, s) })
	t.Run("wrong chain", func(t *testing.T) { testWrongChain(ctx, t, s) })
	t.Run("wrong password", func(t *testing.T) { testWrongPassword(ctx, t, s) })
	if s.Options.P2P != "" || len(s.Options.ZMQ) > 0 {
		t.Run("hints", func(t *testing.T) { testHints(ctx, t, s) })
	}
	if s.Invalidate != nil {
		t.Run("invalid", func(t *testing.T) { testInvalid(ctx, t, s) })
	}
	t.Run("doctor", func(t *testing.T) { testDoctor(ctx, t, s) })
	if s.Restart != nil {
		t.Run("restart", func(t *testing.T) { testRestart(ctx, t, s) })
	}
}

func testTip(ctx context.Context, t *testing.T, s *Subject) {
	n := s.open(ctx, t, nil)
	tip, err := n.Tip(ctx)
	must(t, err)
	if want := ask[coins.BlockHash](ctx, t, s, "getbestblockhash"); tip.Hash != want {
		t.Errorf("tip %s, want %s", tip.Hash, want)
	}
	if want := ask[coins.Height](ctx, t, s, "getblockcount"); tip.Height != want {
		t.Errorf("tip at %d, want %d", tip.Height, want)
	}
	status := n.Status()
	if !status.Reachable || status.Err != nil || status.Info.Tip != tip || status.Info.Subversion == "" || status.Info.Version == 0 {
		t.Errorf("status %+v", status)
	}
	if status.Info.InitialDownload {
		t.Error("a subject is not to be in initial download")
	}
}

// transports returns the subject's options narrowed to each transport that it
// offers.
func (s *Subject) transports() map[node.Transport]func(*node.Options) {
	noHints := func(o *node.Options) { o.ZMQ = nil }
	all := map[node.Transport]func(*node.Options){
		node.RPC: func(o *node.Options) { noHints(o); o.REST, o.P2P = false, "" },
	}
	if s.Options.REST {
		all[node.REST] = func(o *node.Options) { noHints(o); o.P2P = "" }
	}
	if s.Options.P2P != "" {
		all[node.P2P] = func(o *node.Options) { noHints(o); o.REST = false }
	}
	return all
}

func testHeaders(ctx context.Context, t *testing.T, s *Subject) {
	tip := ask[coins.Height](ctx, t, s, "getblockcount")
	for name, narrow := range s.transports() {
		t.Run(string(name), func(t *testing.T) {
			n := s.open(ctx, t, narrow)
			headers, err := n.Headers(ctx, 0, int(tip)+10)
			must(t, err)
			if len(headers) != int(tip)+1 {
				t.Fatalf("%d headers, want %d", len(headers), tip+1)
			}
			for height := range headers {
				want := ask[coins.BlockHash](ctx, t, s, "getblockhash", height)
				if got := headers[height].Hash(); got != want {
					t.Fatalf("header %d is %s, want %s", height, got, want)
				}
			}
			some, err := n.Headers(ctx, 7, 5)
			must(t, err)
			if !slices.Equal(some, headers[7:12]) {
				t.Error("headers 7 to 11 differ from those of the whole")
			}
			none, err := n.Headers(ctx, tip+1, 5)
			if err != nil || len(none) != 0 {
				t.Errorf("beyond the tip: %d headers, %v", len(none), err)
			}
		})
	}
}

// expected is a block as the oracle has it.
type expected struct {
	id  coins.BlockID
	raw []byte
}

func wholeChain(ctx context.Context, t *testing.T, s *Subject) []expected {
	t.Helper()
	chain := make([]expected, ask[coins.Height](ctx, t, s, "getblockcount")+1)
	for height := range chain {
		hash := ask[coins.BlockHash](ctx, t, s, "getblockhash", height)
		raw, err := hex.DecodeString(ask[string](ctx, t, s, "getblock", hash.String(), false))
		must(t, err)
		chain[height] = expected{coins.BlockID{Height: coins.Height(height), Hash: hash}, raw}
	}
	return chain
}

// testBlocks takes every block over each transport, many at once, and compares
// it with the node's hexadecimal.
func testBlocks(ctx context.Context, t *testing.T, s *Subject) {
	chain := wholeChain(ctx, t, s)
	for name, narrow := range s.transports() {
		t.Run(string(name), func(t *testing.T) {
			n := s.open(ctx, t, narrow)
			if got := n.Status().Transport; got != name {
				t.Fatalf("blocks come over %q, want %q: %+v", got, name, n.Status().Transports)
			}
			wanted := make(chan expected)
			var workers sync.WaitGroup
			for range 40 { // more than any transport has in flight
				workers.Go(func() {
					var buf []byte
					for want := range wanted {
						buf = s.checkBlock(ctx, t, n, want, buf)
					}
				})
			}
			for _, want := range chain {
				wanted <- want
			}
			close(wanted)
			workers.Wait()
			if got := n.Status().Transport; got != name {
				t.Errorf("%q was given up: %+v", name, n.Status().Transports)
			}
		})
	}
}

// checkBlock takes one block and compares it with the node's own.
func (s *Subject) checkBlock(ctx context.Context, t *testing.T, n *node.Node, want expected, buf []byte) []byte {
	raw, err := n.Block(ctx, want.id, buf)
	if err != nil {
		t.Error(err)
		return raw
	}
	var b coins.Block
	b.Raw = raw
	if err := b.Load(s.Params.Format, want.id, coins.VerifyMerkle); err != nil {
		t.Error(err)
		return raw
	}
	if b.Layout.HogEx {
		sameTransactions(t, s, &b, want) // the peer protocol leaves the MWEB data out
	} else if !bytes.Equal(raw, want.raw) {
		t.Errorf("block %s: %d bytes differ from the node's %d", want.id, len(raw), len(want.raw))
	}
	return raw
}

// sameTransactions compares a block by its transactions' ids.
func sameTransactions(t *testing.T, s *Subject, got *coins.Block, want expected) {
	t.Helper()
	whole := coins.Block{Raw: want.raw}
	if err := whole.Load(s.Params.Format, want.id, coins.VerifyMerkle); err != nil {
		t.Error(err)
		return
	}
	if got.Layout.TxCount() != whole.Layout.TxCount() || len(got.Layout.Outs) != len(whole.Layout.Outs) {
		t.Errorf("block %s: other transactions than the node's", want.id)
		return
	}
	for i := range got.Layout.TxCount() {
		if got.TxID(i) != whole.TxID(i) {
			t.Errorf("block %s: transaction %d is %s, want %s", want.id, i, got.TxID(i), whole.TxID(i))
		}
	}
}

func testUnknownBlock(ctx context.Context, t *testing.T, s *Subject) {
	for name, narrow := range s.transports() {
		t.Run(string(name), func(t *testing.T) {
			n := s.open(ctx, t, narrow)
			unknown := coins.BlockID{Height: 5, Hash: coins.BlockHash{1, 2, 3}}
			buf, err := n.Block(ctx, unknown, make([]byte, 0, 100))
			if !errors.Is(err, node.ErrNotFound) {
				t.Fatalf("got %v, want ErrNotFound", err)
			}
			if cap(buf) < 100 {
				t.Error("the caller's buffer was lost")
			}
			if got := n.Status().Transport; got != name {
				t.Errorf("%q was given up for an unknown block: %+v", name, n.Status().Transports)
			}
		})
	}
	n := s.open(ctx, t, nil)
	if _, err := n.BlockAt(ctx, coins.MaxHeight); !errors.Is(err, node.ErrNotFound) {
		t.Errorf("beyond the tip: %v, want ErrNotFound", err)
	}
}

func testMempool(ctx context.Context, t *testing.T, s *Subject) {
	n := s.open(ctx, t, nil)
	id, err := s.Pay(ctx)
	must(t, err)
	ids, err := n.MempoolIDs(ctx)
	must(t, err)
	if !slices.Contains(ids, id) {
		t.Fatalf("%s is not among %v", id, ids)
	}
	got := mempool(ctx, t, s, n, append(ids, coins.TxID{9, 9}))
	if len(got) != len(ids) {
		t.Errorf("%d transactions, want %d", len(got), len(ids))
	}
	stop := errors.New("stop")
	if err := n.MempoolTxs(ctx, ids, func(coins.TxID, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v, want the callee's error", err)
	}
	must(t, s.Mine(ctx, 1))
	if got := mempool(ctx, t, s, n, []coins.TxID{id}); len(got) != 0 {
		t.Error("a confirmed transaction was taken for an unconfirmed one")
	}
}

// mempool fetches transactions and checks that each is what its id says.
func mempool(ctx context.Context, t *testing.T, s *Subject, n *node.Node, ids []coins.TxID) []coins.TxID {
	t.Helper()
	var got []coins.TxID
	err := n.MempoolTxs(ctx, ids, func(id coins.TxID, raw []byte) error {
		var layout coins.Layout
		if err := s.Params.Format.WalkTx(raw, &layout); err != nil {
			return err
		}
		if layout.TxID(raw) != id {
			t.Errorf("transaction %s hashes to %s", id, layout.TxID(raw))
		}
		got = append(got, id)
		return nil
	})
	must(t, err)
	return got
}
