package scanner

import (
	"context"

	"coffer.example/coffer/coins"
)

// Sink takes the chain, block by block in order. What it stores and the new
// tip become durable together.
type Sink interface {
	// Tip returns the last block connected, and false before the first.
	Tip(ctx context.Context) (coins.BlockID, bool, error)

	// Header returns the header of the connected chain at a height that the
	// sink still remembers: at least the stored reorg depth below its tip. It
	// fails with an error that wraps coins.ErrNoHeader beyond it.
	Header(ctx context.Context, height coins.Height) (coins.RawHeader, error)

	// Prepare does what can be done for a verified block ahead of its turn:
	// hashing what is to be looked up. It is called concurrently for different
	// blocks and depends on nothing but the block.
	Prepare(b *coins.Block)

	// Connect applies the block above the tip, or the first one at all. It
	// checks height and parent again. The block's memory is the scanner's again
	// when it returns. While b.More is set the sink may put off making blocks
	// durable; Tip says what is applied. A sink that then fails to store them
	// returns to its last durable block, whole.
	Connect(ctx context.Context, b *coins.Block) error

	// Disconnect takes the tip block away. It fails with an error that wraps
	// coins.ErrReorgDepth where no undo is stored for it.
	Disconnect(ctx context.Context, tip coins.BlockID) error

	// Mempool applies what changed among unconfirmed transactions. What was
	// connected before is durable when it returns; an empty change does just that,
	// and is what the scanner sends when blocks that were to follow do not come.
	// An error that wraps coins.ErrMalformed, ErrTruncated or ErrTrailing says
	// that some could not be read; all will be given again.
	Mempool(ctx context.Context, change coins.MempoolChange) error
}

// JobSink takes the blocks of one rescan job, which has a cursor of its own.
type JobSink interface {
	// Prepare is Sink.Prepare.
	Prepare(b *coins.Block)

	// Backfill applies a block at the job's cursor and moves the cursor past
	// it, in one transaction. It re-reads the connected chain's hash at the
	// block's height: where that differs it changes nothing and returns the
	// height from which to read again. Done says that nothing is left to read:
	// the cursor passed the connected tip, and the job's end is in the same
	// transaction as its last block.
	Backfill(ctx context.Context, b *coins.Block) (next coins.Height, done bool, err error)
}
