package scanner

import (
	"time"

	"coffer.example/coffer/coins"
)

// Event is something that happened, for logs, metrics and progress bars: one
// of the types below.
type Event interface{ event() }

// Connected says that the sink has stored a block.
type Connected struct {
	ID    coins.BlockID
	Txs   int
	Bytes int
	// Took is the time Sink.Connect needed.
	Took time.Duration
	// Behind is how many more blocks the node was known to have.
	Behind coins.Height
}

// Disconnected says that the sink has taken its tip block away.
type Disconnected struct{ ID coins.BlockID }

// ReorgFound says that the chain is left for another branch; the Disconnected
// and Connected follow.
type ReorgFound struct {
	// Old is the tip that is left, Fork the last common block. Where the sink's
	// first block goes too, Fork is that block's parent, which it never stored.
	Old, Fork coins.BlockID
	// Depth is the number of blocks to disconnect.
	Depth coins.Height
	// Invalid says that the node found Old invalid, so that work did not decide.
	Invalid bool
}

// Lagging says that the node is behind the index, or on a branch with no more
// work, and is being waited for. Sent once each time it begins.
type Lagging struct {
	// Tip is the index's, Node the node's.
	Tip, Node coins.BlockID
}

// SourceDown says that the node fails; it is asked again after Retry. Sent
// with each attempt.
type SourceDown struct {
	Err     error
	Attempt int
	Retry   time.Duration
}

// SourceUp says that the node delivers again.
type SourceUp struct{ Down time.Duration }

// SinkDown says that the index could not store for a reason that heals by
// waiting (a full disk); it is tried again after Retry.
type SinkDown struct {
	Err     error
	Attempt int
	Retry   time.Duration
}

// Halted says that the coin stands still until a person acts. Repeated every
// ten minutes.
type Halted struct {
	Reason error
	Remedy string
}

// Progress tells how far a catch-up or a job is, about once a second.
type Progress struct {
	Height, Target coins.Height
	Rate           Rate
	// ETA is the time to Target at this rate; 0 where it is not known yet.
	ETA time.Duration
}

// AtTip says that the index has reached the node's tip after being behind.
type AtTip struct{ ID coins.BlockID }

// Stalled says that the feed of hints missed a block that polling found: it
// is silent. Polling carries on alone.
type Stalled struct {
	// Since is when polling found the block.
	Since time.Time
}

// Recovered says that a stalled feed speaks again.
type Recovered struct{}

// MempoolSize tells how many unconfirmed transactions the node has, after each
// comparison that changed it, and how many of them are left out beyond the
// limit.
type MempoolSize struct{ Txs, LeftOut int }

func (Connected) event()    {}
func (Disconnected) event() {}
func (ReorgFound) event()   {}
func (Lagging) event()      {}
func (SourceDown) event()   {}
func (SourceUp) event()     {}
func (SinkDown) event()     {}
func (Halted) event()       {}
func (Progress) event()     {}
func (AtTip) event()        {}
func (Stalled) event()      {}
func (Recovered) event()    {}
func (MempoolSize) event()  {}
