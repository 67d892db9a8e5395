// Package scanner follows a chain: it takes headers and blocks from a
// [Source], verifies them, and hands them in order to a [Sink].
//
// Its place in the flow: node → Source → scanner → Sink → utxo. It holds no
// state of its own that outlives it: where to go on is what the sink says its
// tip is, so a process that is killed at any moment starts again with a look
// at both. [RunJob] reads a range of the chain again for one rescan job, beside
// the tip and through the same pipeline.
//
// # Invariants
//
//   - A block is given to the sink only when its header connects to the sink's
//     tip, its hash is the one asked for, and its framing, and with
//     coins.VerifyMerkle its merkle root, are right. Witnesses are not part of
//     the root and are not checked; the index doesn't read them.
//   - A branch is left only for one with more work, or because the source calls
//     our tip invalid (law 4 of architecture.md). Before the first block is
//     disconnected, headers of the other branch are known that connect to the
//     fork and have more work. The rule is in fork.go, as a pure function.
//   - A node whose chain ends below our tip, or has no more work, is lagging:
//     it is waited for, and nothing is undone.
//   - A fork deeper than MaxReorg halts the coin with the command that repairs
//     it. It stays halted, reporting, until it is started again.
//   - Unconfirmed transactions are looked at when the index is at the tip. A
//     confirmed one is never reported gone; mempool.go says in what order.
//   - Hints only wake. Without any, PollInterval decides how soon a block is
//     seen.
//
// # The pipeline
//
//	feed ──ids──▶ lead ──slots──▶ fetchers: Source.Block, Load, Prepare ──▶ deliver, in order
//	  ▲ headers, 2,000 at a time     up to PrefetchBlocks; Workers at once walk
//
// Slots, with the block's buffers, come from an arena and go back to it, so a
// block costs no garbage but the timer of its call.
//
// # Memory
//
// Before a block is fetched, the longest a block can be (Format.MaxBlock) is
// reserved; when it has been walked and prepared, the reservation becomes what
// its buffers really hold, layout and marks included. Reservations, blocks and
// idle buffers together stay below PrefetchBytes, except that
//
//   - one block is always let through, and
//   - the layouts of at most Workers blocks are counted only once they are
//     walked: for blocks as wallets make them a little less than the raw bytes
//     again, for a hostile one of nothing but tiny outputs three times as much.
//
// Beside it there are the headers of two chunks (480 kB), the ids of a branch
// down to MaxReorg, 40 bytes each, at most two million ids of unconfirmed
// transactions, about 80 bytes each, and at most 32 MiB of hints. At the tip
// all but a few buffers are dropped.
//
// # Failures
//
// A source that fails, hangs (each call has a limit of time) or sends garbage
// is asked again with pauses that double from 0.25 s to 30 s, less a random
// half; a block is first asked for three times. Nothing of it was applied.
//
// A sink stores a block whole or not at all, so after a failure the scanner
// looks at the sink's tip and goes on from there. It does so, with the same
// pauses, when the error has a method Retryable() bool that says true, or is a
// full disk (ENOSPC, EDQUOT). When the sink says that a block is not next
// (coins.ErrNotNext) somebody else moved it: look again. When undo is missing
// (coins.ErrReorgDepth) the coin halts. Every other error of the sink ends
// Run: an index is never guessed. Unconfirmed transactions that the sink cannot
// read are no reason: the whole mempool is given again.
//
// While more blocks are on their way (coins.Block.More) the sink may make several
// durable together; when they do not come, an empty MempoolChange tells it to
// do so now. The end of the context does not: closing the sink does.
package scanner
