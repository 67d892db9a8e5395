// Package simnode is a fake full node: a seeded, deterministic chain of real
// blocks, and a server that offers it as bitcoind, litecoind or dogecoind do.
//
// Its place: where a test, a benchmark or the demo needs a node that is always
// there, fast, and does what it is told at the moment it is told: reorganise,
// lose its mempool, answer garbage. Everything outside speaks to it through the
// real protocols only; it knows nothing of who asks.
//
//	Chain   the tree of blocks, coin set, mempool: what a test tells what to do
//	Node    RPC, REST, peer protocol and ZMQ in the coin's dialect, over a Chain
//
// A chain is told what to do between, or under, the calls of those who read it:
//
//	chain, err := simnode.NewChain(simnode.Config{Coin: coin, Seed: 1})
//	err = chain.Fund(10)                                       // coins of its own to pay with
//	ids, err := chain.Mine(1, simnode.Pay(script, coins.Unit)) // a deposit, confirmed
//	tx, err := chain.Send(simnode.TxSpec{Outputs: outs})       // one that waits
//	ids, err = chain.Reorg(2, 3, simnode.WithoutMempool())     // and the ground moves
//	node, err := simnode.Serve(ctx, chain, simnode.Options{})
//
// What goes wrong on the wire is decided by [Faults], answer by answer; what
// goes on for hours by [Activity]. To restart a node, close it and serve the
// chain again on the same addresses: the mempool is kept, as by mempool.dat,
// unless [Chain.ClearMempool] loses it; [Chain.Rewind] also loses blocks.
//
// # Invariants
//
//   - A block is checked by the coin's own walker, merkle root included, before
//     it joins the tree; the best chain is the valid one with the most work, the
//     first seen of equals.
//   - The coin set is that of the best chain's tip between calls. Disconnecting
//     is the exact inverse of connecting.
//   - No input is spent twice on a branch, no output is spent before it is
//     mature, no transaction makes coins. Scripts are not run: signatures are
//     bytes of the right size, except where a chain spends its own outputs,
//     which anyone can spend; a chain that only does this is valid to real nodes.
//   - The same seed and the same calls make the same bytes.
//   - Amounts are integers from one end to the other.
package simnode
