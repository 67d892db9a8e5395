package acceptance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/node"
)

// caller is a node's JSON-RPC, by other means than Coffer's client.
type caller interface {
	Call(ctx context.Context, method string, params ...any) (json.RawMessage, error)
}

// hand does to a node what real and simulated nodes need different means for.
type hand interface {
	caller
	// address is fresh, and its coins can be spent by build.
	address(ctx context.Context) (string, error)
	// build signs a transaction that spends the inputs, or where none are given a coin that nobody watches.
	build(ctx context.Context, spec spec) (transaction, error)
	// mineOnly mines one block that holds these transactions and nothing of the mempool.
	mineOnly(ctx context.Context, txs ...transaction) error
	// forget restarts the node, cleanly, without what was in its mempool.
	forget(ctx context.Context) error
	// crash kills the node at once and starts it again.
	crash(ctx context.Context) error
}

// competitor is a node that can lose to a branch that somebody else mines: depth+1 blocks with the transaction in them,
// from where the node stands before ours is called, which mines depth.
type competitor interface {
	compete(ctx context.Context, depth int, theirs transaction, ours func()) error
}

// spec is a transaction to build: what is left over goes where nobody watches.
type spec struct {
	inputs  []coins.OutPoint
	outputs []output
	fee     coins.Amount // 0: the rig's usual one
}

type output struct {
	address string
	value   coins.Amount
}

// transaction is one that was built; the outputs of its spec come first, in order.
type transaction struct {
	id     coins.TxID
	hex    string
	inputs []coins.OutPoint
}

// rig is a node that stories are told on.
type rig struct {
	hand
	symbol coins.Symbol
	coin   coins.Coin
	config nodeConfig
	fee    coins.Amount
	// replaces says that the node's policy lets a transaction be replaced by one with a higher fee.
	replaces bool
	// utxoSet says that the node has scantxoutset.
	utxoSet bool
	truth   *truth
	// preferred is a second node that stands before this one in the configuration; nil for none.
	preferred *nodeConfig
	// pool says how the two are used as one.
	pool node.PoolOptions
}

// nodeConfig is what a node offers, as a configuration has it.
type nodeConfig struct {
	rpc, user, password string
	p2p, zmq            string
	lines               string // further lines of YAML for the coin
}

// way is how Coffer takes blocks and hints from a node.
type way string

const (
	wayAll  way = "rest, p2p and zmq"
	wayP2P  way = "p2p alone"
	wayPoll way = "rpc and polling"
)

// nodeYAML is the node's line of a configuration.
func (c *nodeConfig) nodeYAML(w way) string {
	line := fmt.Sprintf("rpc: %q, user: %s, password: %s", c.rpc, c.user, c.password)
	if w != wayPoll {
		line += fmt.Sprintf(", p2p: %q", c.p2p)
	}
	if w == wayAll {
		line += ", rest: true"
		if c.zmq != "" {
			line += fmt.Sprintf(", zmq: %q", c.zmq)
		}
	}
	return "{" + line + "}"
}

// configure returns a configuration of this node alone, with its data in the folder.
func (r *rig) configure(t *testing.T, dir, start string, w way) *engine.Config {
	t.Helper()
	if start == "tip" { // exactly, so that what is imported has a past: tip alone begins some blocks below
		tip, err := r.tip(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		start = fmt.Sprint(int(tip.Height))
	}
	nodes := r.config.nodeYAML(w)
	if r.preferred != nil {
		nodes = r.preferred.nodeYAML(w) + ", " + nodes
	}
	// The reorg depth is above the chains' lengths: the whole log of changes is kept, to be proved.
	text := fmt.Sprintf("data_dir: %s\ncoins:\n  %s:\n    network: regtest\n    start: %s\n    poll_interval: 100ms\n    max_reorg: 5000\n    nodes: [%s]\n%s",
		dir, r.symbol, start, nodes, r.config.lines)
	config, err := engine.ParseConfig("coffer.yaml", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func newRig(t *testing.T, symbol coins.Symbol, h hand) *rig {
	t.Helper()
	coin, err := engine.CoinFor(symbol, coins.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{hand: h, symbol: symbol, coin: coin}
	r.truth = newTruth(h, coin)
	return r
}

// ask calls a method and decodes what it answers.
func ask[T any](ctx context.Context, c caller, method string, params ...any) (T, error) {
	var value T
	raw, err := c.Call(ctx, method, params...)
	if err != nil {
		return value, err
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		return value, fmt.Errorf("%s: %w", method, err)
	}
	return value, nil
}

// tip is the node's best block.
func (r *rig) tip(ctx context.Context) (coins.BlockID, error) {
	hash, err := ask[coins.BlockHash](ctx, r, "getbestblockhash")
	if err != nil {
		return coins.BlockID{}, err
	}
	header, err := ask[struct{ Height coins.Height }](ctx, r, "getblockheader", hash)
	return coins.BlockID{Height: header.Height, Hash: hash}, err
}

// mine mines blocks with what is in the mempool; they pay the address, "" a fresh one that nobody watches.
func (r *rig) mine(ctx context.Context, n int, address string) error {
	if address == "" {
		var err error
		if address, err = r.address(ctx); err != nil {
			return err
		}
	}
	_, err := r.Call(ctx, "generatetoaddress", n, address)
	return err
}

// invalidate makes the node leave the last depth blocks, and returns the lowest of them.
func (r *rig) invalidate(ctx context.Context, depth int) (coins.BlockHash, error) {
	tip, err := r.tip(ctx)
	if err != nil {
		return coins.BlockHash{}, err
	}
	hash, err := ask[coins.BlockHash](ctx, r, "getblockhash", int(tip.Height)-depth+1)
	if err != nil {
		return hash, err
	}
	_, err = r.Call(ctx, "invalidateblock", hash)
	return hash, err
}

func (r *rig) broadcast(ctx context.Context, tx transaction) error {
	_, err := r.Call(ctx, "sendrawtransaction", tx.hex)
	return err
}
