package engine

import (
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/scanner"
)

// Event is something that happened to a coin, for logs, metrics and progress.
type Event struct {
	Coin coins.Symbol
	// Job is the rescan that it happened to, 0 for the coin itself.
	Job JobID
	// Detail is one of the types below, or what the scanner tells of.
	Detail Detail
}

// Detail is what an [Event] tells: [Ready], [Trouble], [JobStarted], [JobEnded], [NodeEvent], [Collected] or [Scanned].
type Detail interface{ detail() }

// Ready says that a coin's index is open and its node is known.
type Ready struct {
	// Tip is the index's, nil before its first block; Watched counts its addresses.
	Tip     *coins.BlockID
	Watched uint64
	Node    NodeStatus
}

// Trouble says that a coin cannot go on; it is tried again after Retry.
type Trouble struct {
	Err   error
	Retry time.Duration
}

// JobStarted says that a rescan has begun, or goes on.
type JobStarted struct{ Job Job }

// JobEnded says that a rescan is done, was cancelled, or failed.
type JobEnded struct{ Job Job }

// Collected says that garbage of an index was collected: how many files were written anew, or why it failed.
type Collected struct {
	Files int
	Err   error
}

// Scanned is an event of the scanner, or of the job's reading where Event.Job says so.
type Scanned struct{ Event scanner.Event }

func (Ready) detail()      {}
func (Trouble) detail()    {}
func (JobStarted) detail() {}
func (JobEnded) detail()   {}
func (Collected) detail()  {}
func (Scanned) detail()    {}
