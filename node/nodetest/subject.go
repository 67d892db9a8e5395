package nodetest

import (
	"context"
	"encoding/json"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
)

// Subject is a node under test, on a regtest chain of at least 120 blocks, out
// of initial download, with funds to pay from. Its functions drive it without
// the client that is tested.
type Subject struct {
	Params *coins.Params
	// Options reach the node with all that it offers: REST, P2P and ZMQ are left
	// empty where it has none.
	Options node.Options
	// Oracle makes a JSON-RPC call by other means than the client.
	Oracle func(ctx context.Context, method string, params ...any) (json.RawMessage, error)
	// Mine adds blocks to the active chain.
	Mine func(ctx context.Context, count int) error
	// Pay puts a transaction into the mempool.
	Pay func(ctx context.Context) (coins.TxID, error)
	// Invalidate leaves the chain from a height on; Reconsider takes it back.
	// Nil where the node cannot.
	Invalidate func(ctx context.Context, height coins.Height) error
	Reconsider func(ctx context.Context, hash coins.BlockHash) error
	// Restart stops the node and starts it again on the same data, with a new
	// cookie where it has one. Nil where it cannot.
	Restart func(ctx context.Context) error
	// TrustsPeers says that the node whitelists peers on this machine.
	TrustsPeers bool
}

// Factory makes a subject for one test, which it ends with the test.
type Factory func(ctx context.Context, t *testing.T) *Subject

// open opens the client under test and closes it with the test.
func (s *Subject) open(ctx context.Context, t *testing.T, change func(*node.Options)) *node.Node {
	t.Helper()
	o := s.Options
	if change != nil {
		change(&o)
	}
	n, err := node.Open(ctx, s.Params, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return n
}

// ask decodes the oracle's answer.
func ask[T any](ctx context.Context, t *testing.T, s *Subject, method string, params ...any) T {
	t.Helper()
	var v T
	raw, err := s.Oracle(ctx, method, params...)
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		t.Fatalf("oracle: %s: %v", method, err)
	}
	return v
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
