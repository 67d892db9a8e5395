package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"coffer.example/coffer/coins"
)

// ask makes one call and hands its result on only when it came from a node of
// the right chain.
func (n *Node) ask(ctx context.Context, out any, method string, params ...any) error {
	result, err := n.askRaw(ctx, method, params...)
	if err != nil {
		return err
	}
	return decode(method, result, out)
}

func (n *Node) askRaw(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	result, err := n.rpc.raw(ctx, method, params...)
	n.noteResult(err)
	if err != nil {
		return nil, err
	}
	return result, n.confirm(ctx)
}

// askBatch makes calls in batches of bounded size and hands their results on,
// in the order of calls within a batch.
func (n *Node) askBatch(ctx context.Context, calls []call, size int, each func(i int, result json.RawMessage, err error) error) error {
	for start := 0; start < len(calls); start += size {
		part := calls[start:min(start+size, len(calls))]
		err := n.rpc.batch(ctx, part, func(i int, result json.RawMessage, err error) error {
			return each(start+i, result, err)
		})
		n.noteResult(err)
		if err == nil {
			err = n.confirm(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// confirm checks the genesis block again when a connection has been made
// since it was last checked: it may lead to another node.
func (n *Node) confirm(ctx context.Context) error {
	fresh := func() bool {
		n.state.mu.Lock()
		defer n.state.mu.Unlock()
		return n.state.known && n.state.dials == n.rpc.dials.Load()
	}
	if fresh() {
		return nil
	}
	if err := n.state.identify.take(ctx); err != nil {
		return err
	}
	defer n.state.identify.give()
	if fresh() {
		return nil
	}
	err := n.identify(ctx)
	n.noteResult(err)
	return err
}

// identify compares the genesis block and learns what the node can do.
func (n *Node) identify(ctx context.Context) error {
	dials := n.rpc.dials.Load()
	var genesis coins.BlockHash
	if err := n.rpc.call(ctx, &genesis, "getblockhash", 0); err != nil {
		return err
	}
	var network networkInfo
	if err := n.rpc.call(ctx, &network, "getnetworkinfo"); err != nil {
		return err
	}
	if genesis != n.params.Chain.Genesis {
		n.forget()
		return n.wrongChain(ctx, genesis, network.Subversion)
	}
	dialect, err := n.learn(ctx)
	if err != nil {
		return err
	}
	fee, err := coins.ParseAmount(network.RelayFee.String())
	if err != nil {
		fee = 0 // a node that tells it in another form still serves blocks
	}
	n.state.mu.Lock()
	defer n.state.mu.Unlock()
	n.state.known, n.state.dials, n.state.dialect = true, dials, dialect
	info := &n.state.info
	info.Version, info.Subversion, info.RelayFee = network.Version, clip(network.Subversion), fee
	return nil
}

func (n *Node) forget() {
	n.state.mu.Lock()
	defer n.state.mu.Unlock()
	n.state.known, n.state.info = false, Info{}
}

// wrongChain names the chain we want and the one the node has, as well as it
// can be told.
func (n *Node) wrongChain(ctx context.Context, genesis coins.BlockHash, subversion string) error {
	theirs, ok := n.opts.Known[genesis]
	if !ok {
		var chain chainInfo
		_ = n.rpc.call(ctx, &chain, "getblockchaininfo") // only names it better
		theirs = fmt.Sprintf("an unknown chain (its name %q, its genesis block %s)", clip(chain.Chain), genesis)
	}
	return fmt.Errorf("node %s is of %s, wanted is %s %s: %w", clip(subversion), theirs, n.params.Name, n.params.Network, ErrWrongChain)
}

// learn asks the node for what differs between versions.
func (n *Node) learn(ctx context.Context) (dialect, error) {
	var d dialect
	var help string
	err := n.rpc.call(ctx, &help, "help", "sendrawtransaction")
	switch first, _, _ := strings.Cut(help, "\n"); {
	case err != nil && !isRefused(err):
		return d, err
	case strings.Contains(first, "maxfeerate"):
		d.feeCap = feeCapRate
	case strings.Contains(first, "allowhighfees"):
		d.feeCap = feeCapFlag
	}
	var indexes map[string]json.RawMessage
	err = n.rpc.call(ctx, &indexes, "getindexinfo")
	if err != nil && !isRefused(err) {
		return d, err
	}
	_, d.txIndex = indexes["txindex"]
	d.txIndex = d.txIndex || err != nil // cannot be told: take care as if it had
	err = n.rpc.call(ctx, &d.zmq, "getzmqnotifications")
	if err != nil && !isRefused(err) {
		return d, err
	}
	d.zmqList = err == nil
	return d, nil
}

// isRefused reports whether the node answered, with an error.
func isRefused(err error) bool {
	var refused *RPCError
	return errors.As(err, &refused)
}

// zmqTopic is one line of getzmqnotifications.
type zmqTopic struct {
	Type    string `json:"type"` // pubhashblock
	Address string `json:"address"`
}

// zmqTopics returns what the node says it publishes, and false where it has
// not said.
func (n *Node) zmqTopics() ([]zmqTopic, bool) {
	n.state.mu.Lock()
	defer n.state.mu.Unlock()
	return n.state.dialect.zmq, n.state.known && n.state.dialect.zmqList
}
