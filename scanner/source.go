package scanner

import (
	"context"

	"coffer.example/coffer/coins"
)

// Source is one view of a chain: a node, or several of a coin as one. All
// methods are safe for concurrent use and return promptly when ctx ends.
type Source interface {
	// Tip returns the best block of the active chain.
	Tip(ctx context.Context) (coins.BlockID, error)

	// Headers returns at most limit headers of the active chain in order, the
	// first at height from; none when from is beyond the tip. Whether they
	// connect is for the caller to check: the chain may change under the call.
	Headers(ctx context.Context, from coins.Height, limit int) ([]coins.RawHeader, error)

	// Block replaces buf's content by the raw block and returns it, growing it
	// where it is too short. The bytes are not verified. Many calls at once are
	// what keeps the transport busy.
	Block(ctx context.Context, id coins.BlockID, buf []byte) ([]byte, error)

	// Invalid reports whether the node has found the block to break consensus
	// (getchaintips: invalid). False where it doesn't know the block.
	Invalid(ctx context.Context, hash coins.BlockHash) (bool, error)

	// MempoolIDs returns the ids of the node's unconfirmed transactions.
	MempoolIDs(ctx context.Context) ([]coins.TxID, error)

	// MempoolTxs calls each with the raw bytes of those of ids that are still in
	// the mempool; the bytes are the callee's to keep.
	MempoolTxs(ctx context.Context, ids []coins.TxID, each func(id coins.TxID, raw []byte) error) error
}

// HintKind says what a hint is about.
type HintKind uint8

// The kinds of hint.
const (
	// HintBlock: a block was announced or the tip changed.
	HintBlock HintKind = iota
	// HintTx: a transaction entered the mempool; Raw may carry it.
	HintTx
	// HintGap: messages were lost or the feed reconnected; look at everything.
	HintGap
)

// Hint wakes the scanner (law 8: it carries no truth).
type Hint struct {
	Kind HintKind
	// Raw is a transaction's bytes, where the feed sends them.
	Raw []byte
}
