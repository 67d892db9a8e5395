// Package node is the client of one full node: bitcoind (Core 28 or newer),
// litecoind (0.21), dogecoind (1.14), and what speaks like them.
//
// Its place in the flow: a [Node] is a source of headers, blocks, unconfirmed
// transactions and wake-ups for the scanner, and takes signed bytes for
// broadcasting. It decodes no block, stores nothing, and knows no consumer and
// no concrete coin: what differs between coins comes with coins.Params, what
// differs between versions of a node is found by asking it.
//
// # Transports
//
//	JSON-RPC       always: tip, header ids, mempool, lookups, sending; blocks at last resort,
//	               their hexadecimal decoded as it streams into the caller's buffer
//	REST           blocks and headers as raw bytes, over a few connections: the fastest
//	peer protocol  blocks, many in flight on one connection, and announcements
//	ZMQ            announcements
//
// When a node is opened, each transport that is configured is probed with a
// real block. [Node.Block] takes the fastest that is up; one that fails is
// taken down, the next takes over in the same call, and a keeper in the
// background probes the failed one again after a growing pause. [Node.Status]
// says which is used and why others are not.
//
// # Several nodes
//
// A [Pool] is several nodes of a coin as one, for the same consumers. One of
// them is in use and alone says what the chain is:
//
//	probe each node ──▶ seen (answers? tip, work, fork) ──▶ choose ──▶ in use, View
//	failed call, refused block ─────────────▲
//
// choose is a pure function of what was seen. Its result changes View, so that
// who needs several answers of one node can tell. Blocks are taken from any
// node, since their hash says what they are.
//
// # Invariants
//
//   - A node is known by its genesis block. It is compared when the node is
//     opened and again whenever a connection for calls has been made since: an
//     answer that came over a new connection is handed out only afterwards.
//   - Nothing is trusted but that. Of a block only its length and the hash of
//     its header are looked at, of a header its hash; proofs, merkle roots and
//     how headers connect are verified by whoever uses them. The peer protocol's
//     checksum over a block is not computed for the same reason.
//   - Calls fail fast, with an error that wraps a sentinel of this package or the
//     caller's context error. Whether to call again is the caller's decision;
//     only connections and transports are brought back by this package.
//   - Everything that a node sends has a limit: [MaxAnswer], [MaxFrame],
//     coins.Format.MaxBlock. Memory is at most one block for each call of Block
//     in progress, in the caller's buffer, beside one answer for each other call.
//   - A buffer given to [Node.Block] is the caller's alone again when the call
//     returns, also when it was cancelled.
//   - A node of another chain is never used, and has no say in what is invalid.
//   - Hints are bounded: blocks coalesce, transactions beyond a limit become a
//     gap. See [Hint].
//
// # Peer protocol
//
//	message   magic 4, command 12, length 4, checksum 4, payload
//	version   protocol 4, services 8, time 8, two addresses of 26, nonce 8, agent, height 4, relay 1
//	getdata   CompactSize count, then type 4 and hash 32 each; type 2 is a block,
//	          with coins.NodeParams.WitnessFlag where the coin has segwit
//
// All integers are little endian. We offer no services. Behind each getdata
// goes a ping: nodes answer in order and are silent about a block that they do
// not have, so a pong that overtakes a block means that it is not there. A peer
// that keeps silent longer than Options.BlockTimeout while a block is awaited
// is given up. Headers are not asked for this way: a node in initial download
// does not answer that, and RPC and REST do. Litecoin's blocks come without
// their MWEB data over the peer protocol, with HogEx and peg-outs.
//
// # ZMQ
//
// ZMTP 3.0 as a subscriber with the NULL mechanism; the frames are drawn beside
// the code. Nodes publish messages of topic, body, and a number (4 bytes,
// little endian) that rises by one within a topic: where it does not, and after
// each connection, a gap is told.
package node
