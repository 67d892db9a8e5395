package acceptance_test

import (
	"context"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
	"coffer.example/coffer/internal/testnodes"
)

// simHand drives a simulated node. Everything but wallet and accidents goes through its RPC.
type simHand struct {
	*testnodes.Client
	chain   *simnode.Chain
	node    *simnode.Node
	options simnode.Options
	t       *testing.T
	random  *rand.Rand
}

// simRig serves a seeded chain with coins to spend.
func simRig(t *testing.T, symbol coins.Symbol) *rig {
	t.Helper()
	coin, err := engine.CoinFor(symbol, coins.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := simnode.NewChain(simnode.Config{Coin: coin, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := chain.Fund(bankBlocks); err != nil {
		t.Fatal(err)
	}
	h := &simHand{chain: chain, t: t, random: rand.New(rand.NewPCG(1, 1))}
	h.serve()
	n := h.node
	h.options = simnode.Options{RPCAddr: n.RPC[len("http://"):], P2PAddr: n.P2P, ZMQAddr: n.ZMQ[len("tcp://"):]}
	h.Client = testnodes.NewClient(n.RPC, n.User, n.Password)
	t.Cleanup(func() {
		h.Client.Close()
		h.node.Close()
	})
	r := newRig(t, symbol, h)
	r.config = nodeConfig{rpc: n.RPC, user: n.User, password: n.Password, p2p: n.P2P, zmq: n.ZMQ}
	r.replaces, r.utxoSet = symbol != "ltc", symbol != "doge"
	r.fee = 10_000_000
	return r
}

func (h *simHand) serve() {
	h.t.Helper()
	var err error
	if h.node, err = simnode.Serve(h.t.Context(), h.chain, h.options); err != nil {
		h.t.Fatal(err)
	}
}

func (h *simHand) address(context.Context) (string, error) {
	script := simnode.RandomScript(h.random, simnode.P2PKH)
	coin, err := engine.CoinFor(h.chain.Params().Symbol, coins.Regtest)
	if err != nil {
		return "", err
	}
	address, _ := coin.Address(script)
	return address, nil
}

func (h *simHand) build(_ context.Context, s spec) (transaction, error) {
	coin, err := engine.CoinFor(h.chain.Params().Symbol, coins.Regtest)
	if err != nil {
		return transaction{}, err
	}
	made := simnode.TxSpec{Inputs: s.inputs, Fee: s.fee}
	for _, out := range s.outputs {
		script, err := coin.Script(out.address)
		if err != nil {
			return transaction{}, err
		}
		made.Outputs = append(made.Outputs, simnode.Out{Value: out.value, Script: script})
	}
	tx, err := h.chain.NewTx(made)
	if err != nil && len(s.inputs) > 0 {
		tx, err = against(made), nil // its inputs are spent in the mempool
	}
	if err != nil {
		return transaction{}, err
	}
	built := transaction{id: tx.ID(), hex: hex.EncodeToString(tx.Raw())}
	for _, in := range tx.Ins {
		built.inputs = append(built.inputs, in.Prev)
	}
	return built, nil
}

// against is a transaction that conflicts with the mempool; all that is left over is its fee.
func against(s simnode.TxSpec) *simnode.Tx {
	tx := &simnode.Tx{Version: 2, Outs: s.Outputs}
	for _, in := range s.Inputs {
		tx.Ins = append(tx.Ins, simnode.In{Prev: in, Sequence: replaceable})
	}
	return tx
}

func (h *simHand) mineOnly(_ context.Context, txs ...transaction) error {
	content, err := include(h.chain, txs)
	if err != nil {
		return err
	}
	_, err = h.chain.Mine(1, content, simnode.WithoutMempool())
	return err
}

// include parses transactions to be put into blocks.
func include(chain *simnode.Chain, txs []transaction) (simnode.Content, error) {
	var parsed []*simnode.Tx
	for _, tx := range txs {
		raw, err := hex.DecodeString(tx.hex)
		if err != nil {
			return nil, err
		}
		one, err := simnode.ParseTx(chain.Params().Format, raw)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, one)
	}
	return simnode.Include(parsed...), nil
}

// end ends the node, and the connections to it.
func (h *simHand) end() {
	h.node.Close()
	h.Client.Close()
}

func (h *simHand) forget(context.Context) error {
	h.end()
	h.chain.ClearMempool()
	h.serve()
	return nil
}

// crash loses the newest block too, as a node does that was killed before it wrote it.
func (h *simHand) crash(context.Context) error {
	h.end()
	if _, err := h.chain.Rewind(1); err != nil {
		return err
	}
	h.serve()
	return nil
}

// compete makes the branch of another miner known at once, as it comes when a node that was alone finds peers.
func (h *simHand) compete(_ context.Context, depth int, theirs transaction, ours func()) error {
	fork := h.chain.Tip().Hash
	ours()
	content, err := include(h.chain, []transaction{theirs})
	if err != nil {
		return err
	}
	first, err := h.chain.MineOn(fork, 1, content, simnode.WithoutMempool())
	if err != nil {
		return err
	}
	_, err = h.chain.MineOn(first[0].Hash, depth, simnode.WithoutMempool())
	return err
}
