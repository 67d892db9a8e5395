package scanner

import (
	"sync"
	"time"

	"coffer.example/coffer/coins"
)

// State is what a scanner is doing.
type State string

// The states of a scanner.
const (
	StateStarting State = "starting"
	StateCatchUp  State = "catching up"
	StateAtTip    State = "at tip"
	StateLagging  State = "lagging" // the node is behind the index
	StateDown     State = "down"    // the node or the index fails; being retried
	StateHalted   State = "halted"  // needs a person
)

// Status is a snapshot of a scanner.
type Status struct {
	State State
	// Tip is the last block connected; false in Started before the first.
	Tip     coins.BlockID
	Started bool
	// Target is the height of the node's tip as last seen, Lag how many blocks
	// the index is behind it.
	Target, Lag coins.Height
	Rate        Rate
	ETA         time.Duration
	// Err is the last failure while State is StateDown or StateHalted; Remedy
	// what a person is to do where it halted.
	Err    error
	Remedy string
	// Prefetch is what is in flight now.
	Prefetch Prefetch
	// FeedStalled says that hints fail to come and polling carries on alone.
	FeedStalled bool
	// Mempool is how many unconfirmed transactions of the node are known.
	Mempool int
}

// Prefetch is the occupancy of the pipeline: blocks fetched or being fetched,
// and the bytes they hold or reserve.
type Prefetch struct {
	Blocks int
	Bytes  int64
}

// board holds the status between the scanner and those who ask.
type board struct {
	mu sync.Mutex
	Status
	meter meter
}

func (b *board) update(change func(*board)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

// reached notes a connected block and returns the blocks still to come.
func (b *board) reached(id coins.BlockID, bytes int, now time.Time) (behind coins.Height) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Tip, b.Started = id, true
	b.Target = max(b.Target, id.Height)
	b.meter.add(now, bytes)
	return b.Target - id.Height
}

// progress computes the present speed.
func (b *board) progress(now time.Time) Progress {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := Progress{Height: b.Tip.Height, Target: b.Target, Rate: b.meter.rate(now)}
	p.ETA = p.Rate.eta(p.Target - p.Height)
	return p
}

// snapshot returns the status at a time.
func (b *board) snapshot(now time.Time) Status {
	p := b.progress(now)
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.Status
	s.Lag = max(0, s.Target-s.Tip.Height)
	if s.State == StateCatchUp {
		s.Rate, s.ETA = p.Rate, p.ETA
	}
	return s
}
