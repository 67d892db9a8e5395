package nodetest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
)

func testLookups(ctx context.Context, t *testing.T, s *Subject) {
	n := s.open(ctx, t, nil)
	id, err := n.BlockAt(ctx, 3)
	must(t, err)
	var block struct {
		Hash   coins.BlockHash   `json:"hash"`
		Height coins.Height      `json:"height"`
		Tx     []json.RawMessage `json:"tx"`
	}
	for _, detail := range []node.Detail{node.DetailIDs, node.DetailTxs} {
		raw, err := n.BlockJSON(ctx, id.Hash, detail)
		must(t, err)
		must(t, json.Unmarshal(raw, &block))
		isText := len(block.Tx) > 0 && block.Tx[0][0] == '"'
		if block.Hash != id.Hash || block.Height != id.Height || isText != (detail == node.DetailIDs) {
			t.Errorf("detail %d: %s", detail, raw)
		}
	}
	testTxInBlock(ctx, t, s, n, id.Hash)
	if _, err := n.BlockJSON(ctx, coins.BlockHash{1}, node.DetailIDs); !errors.Is(err, node.ErrNotFound) {
		t.Errorf("unknown block: %v, want ErrNotFound", err)
	}
	if _, err := n.TxJSON(ctx, coins.TxID{1}, nil); !errors.Is(err, node.ErrNotFound) {
		t.Errorf("unknown transaction: %v, want ErrNotFound", err)
	}
	for method, want := range map[string]bool{"getblockcount": true, "nosuchmethod": false} {
		if has, err := n.Has(ctx, method); err != nil || has != want {
			t.Errorf("has %s: %t, %v", method, has, err)
		}
	}
}

// testTxInBlock looks a confirmed transaction up by its block, without a
// transaction index. Dogecoin 1.14 has no such call.
func testTxInBlock(ctx context.Context, t *testing.T, s *Subject, n *node.Node, hash coins.BlockHash) {
	t.Helper()
	if !s.Params.Format.Segwit {
		return
	}
	var block struct {
		Tx []coins.TxID `json:"tx"`
	}
	raw, err := n.BlockJSON(ctx, hash, node.DetailIDs)
	must(t, err)
	must(t, json.Unmarshal(raw, &block))
	bytes, err := n.TxRaw(ctx, block.Tx[0], &hash)
	must(t, err)
	var layout coins.Layout
	must(t, s.Params.Format.WalkTx(bytes, &layout))
	if got := layout.TxID(bytes); got != block.Tx[0] {
		t.Errorf("transaction %s hashes to %s", block.Tx[0], got)
	}
	decoded, err := n.TxJSON(ctx, block.Tx[0], &hash)
	must(t, err)
	if !strings.Contains(string(decoded), hash.String()) {
		t.Errorf("decoded transaction: %s", decoded)
	}
}

func testSend(ctx context.Context, t *testing.T, s *Subject) {
	n := s.open(ctx, t, nil)
	id, err := s.Pay(ctx)
	must(t, err)
	raw, err := n.TxRaw(ctx, id, nil)
	must(t, err)
	for _, anyFee := range []bool{false, true} {
		again, err := n.SendRaw(ctx, raw, anyFee)
		if err != nil || again != id {
			t.Errorf("the same bytes again: %s, %v; want %s", again, err, id)
		}
	}
	var refused *node.RPCError
	if _, err := n.SendRaw(ctx, []byte{0}, false); !errors.As(err, &refused) || refused.Code != -22 {
		t.Errorf("no transaction: %v, want code -22", err)
	}
	decoded, err := n.TxJSON(ctx, id, nil)
	must(t, err)
	if !strings.Contains(string(decoded), id.String()) {
		t.Errorf("decoded transaction: %s", decoded)
	}
}

func testWrongChain(ctx context.Context, t *testing.T, s *Subject) {
	other := *s.Params
	other.Name, other.Chain.Genesis = "Othercoin", coins.BlockHash{7}
	o := s.Options
	o.Known = map[coins.BlockHash]string{s.Params.Chain.Genesis: "the subject's chain"}
	n, err := node.Open(ctx, &other, o)
	if err == nil {
		n.Close()
	}
	if !errors.Is(err, node.ErrWrongChain) || !strings.Contains(err.Error(), "the subject's chain") || !strings.Contains(err.Error(), "Othercoin") {
		t.Errorf("got %v, want ErrWrongChain naming both", err)
	}
}

func testWrongPassword(ctx context.Context, t *testing.T, s *Subject) {
	o := s.Options
	o.CookieFile, o.PasswordFile, o.User, o.Password = "", "", "coffer", "not-the-password"
	n, err := node.Open(ctx, s.Params, o)
	if err == nil {
		n.Close()
	}
	if !errors.Is(err, node.ErrUnauthorized) || strings.Contains(err.Error(), o.Password) {
		t.Errorf("got %v, want ErrUnauthorized without the password", err)
	}
}

// testHints waits for the wake-ups of each feed that the subject has.
func testHints(ctx context.Context, t *testing.T, s *Subject) {
	feeds := map[string]func(*node.Options){}
	if s.Options.P2P != "" {
		feeds["p2p"] = func(o *node.Options) { o.ZMQ = nil }
	}
	if len(s.Options.ZMQ) > 0 {
		feeds["zmq"] = func(o *node.Options) { o.P2P = "" }
	}
	for name, narrow := range feeds {
		t.Run(name, func(t *testing.T) {
			n := s.open(ctx, t, narrow)
			waitHint(ctx, t, n, node.HintGap) // connected
			must(t, s.Mine(ctx, 1))
			waitHint(ctx, t, n, node.HintBlock)
			id, err := s.Pay(ctx)
			must(t, err)
			for {
				raw := waitHint(ctx, t, n, node.HintTx).Raw
				if name == "p2p" {
					return
				}
				var layout coins.Layout
				must(t, s.Params.Format.WalkTx(raw, &layout))
				if layout.TxID(raw) == id {
					return
				}
			}
		})
	}
}

func waitHint(ctx context.Context, t *testing.T, n *node.Node, kind node.HintKind) node.Hint {
	t.Helper()
	for {
		select {
		case hint := <-n.Hints():
			if hint.Kind == kind {
				return hint
			}
		case <-ctx.Done():
			t.Fatalf("no hint of kind %d", kind)
		}
	}
}

func testInvalid(ctx context.Context, t *testing.T, s *Subject) {
	n := s.open(ctx, t, nil)
	tip, err := n.Tip(ctx)
	must(t, err)
	isInvalid := func(hash coins.BlockHash, want bool) {
		t.Helper()
		if got, err := n.Invalid(ctx, hash); err != nil || got != want {
			t.Errorf("invalid: %t, %v; want %t", got, err, want)
		}
	}
	isInvalid(tip.Hash, false)
	isInvalid(coins.BlockHash{1}, false)
	must(t, s.Invalidate(ctx, tip.Height))
	isInvalid(tip.Hash, true)
	below, err := n.Tip(ctx)
	must(t, err)
	if below.Height != tip.Height-1 {
		t.Errorf("tip at %d after invalidating %d", below.Height, tip.Height)
	}
	if _, err := n.Block(ctx, tip, nil); err != nil {
		t.Errorf("a block off the chain is still served: %v", err)
	}
	must(t, s.Reconsider(ctx, tip.Hash))
	isInvalid(tip.Hash, false)
}

func testDoctor(ctx context.Context, t *testing.T, s *Subject) {
	n := s.open(ctx, t, nil)
	seen := map[string]node.Finding{}
	for _, finding := range n.Doctor(ctx) {
		seen[finding.Check] = finding
		if finding.Level == node.LevelFault {
			t.Errorf("%+v", finding)
		}
	}
	for _, check := range []string{"reachable", "credentials", "chain", "version", "synchronised", "pruned", "blocks over rpc"} {
		if seen[check].Level != node.LevelOK {
			t.Errorf("%s: %+v", check, seen[check])
		}
	}
	if s.Options.P2P != "" && s.TrustsPeers && seen["whitelisted"].Level != node.LevelOK {
		t.Errorf("whitelisted: %+v", seen["whitelisted"])
	}
}

// testRestart expects the client to come back by itself on every transport.
func testRestart(ctx context.Context, t *testing.T, s *Subject) {
	n := s.open(ctx, t, func(o *node.Options) { o.REST = false })
	before, err := n.Tip(ctx)
	must(t, err)
	must(t, s.Restart(ctx))
	if s.Options.P2P != "" || len(s.Options.ZMQ) > 0 {
		waitHint(ctx, t, n, node.HintGap) // of the first connection
		waitHint(ctx, t, n, node.HintGap)
	}
	after, err := n.Tip(ctx)
	must(t, err)
	if after != before {
		t.Errorf("tip %s, was %s", after, before)
	}
	if _, err := n.Block(ctx, after, nil); err != nil {
		t.Error(err)
	}
}
