package scanner

import (
	"cmp"
	"math/rand/v2"
	"runtime"
	"time"

	"coffer.example/coffer/coins"
)

// Options say how a chain is followed. Only Params must be set.
type Options struct {
	// Params are the coin's data on its network.
	Params *coins.Params
	// CheckTarget demands that every header's double SHA-256 meets its target:
	// for coins of which that is the proof of work (Bitcoin).
	CheckTarget bool
	// Verify says how far blocks are checked.
	Verify coins.Verify
	// Hints wake the scanner; nil where there is no feed. The scanner always
	// reads them. A closed channel is a feed that ended.
	Hints <-chan Hint
	// Start is where an empty sink begins.
	Start Start
	// MaxReorg is the deepest branch that is left by itself, in blocks: the undo
	// that the sink keeps. Default: the coin's.
	MaxReorg coins.Height

	// PrefetchBlocks is how many blocks are in flight or waiting for their turn,
	// and so how many calls of Source.Block run at once. Default 32.
	PrefetchBlocks int
	// PrefetchBytes bounds the memory they take; see the package comment.
	// Default 256 MiB. One block is always allowed.
	PrefetchBytes int64
	// Workers is how many blocks are walked and verified at once. Default: one
	// for each processor Go may use.
	Workers int

	// PollInterval is the pause between two looks at the node's tip and mempool
	// when nothing wakes the scanner earlier. Default 5 s.
	PollInterval time.Duration
	// StallAfter is how long a feed of hints may miss a block that polling
	// found before it counts as stalled. Default 1 min.
	StallAfter time.Duration

	// Clock is time; default SystemClock.
	Clock Clock
	// Random gives numbers in [0, 1) for the jitter of pauses; it may be called
	// concurrently. Default math/rand/v2.
	Random func() float64
	// OnEvent is told what happens, in order, by the goroutine that it happens
	// in. It must not block. May be nil.
	OnEvent func(Event)
}

// Start says where an empty sink begins. The zero value begins at the
// genesis block.
type Start struct {
	height coins.Height
	tip    bool
}

// StartTip begins with the block that is the node's tip at the first look. A
// sink that remembers where it begins is better given StartAt.
func StartTip() Start { return Start{tip: true} }

// StartAt begins with the block at a height, 0 or above.
func StartAt(height coins.Height) Start { return Start{height: height} }

// Limits that have no setting.
const (
	// headerChunk is how many headers are asked for at once.
	headerChunk = 2000
	// callTimeout ends a call of the source other than for a block.
	callTimeout = 30 * time.Second
	// blockTimeout ends one call of Source.Block.
	blockTimeout = 60 * time.Second
	// blockAttempts is how often a block is asked for before the failure counts
	// as the node's, with pauses from fetchPause doubled.
	blockAttempts = 3
	fetchPause    = 50 * time.Millisecond
	// backoffBase and backoffMax bound the pauses while a node is down.
	backoffBase = 250 * time.Millisecond
	backoffMax  = 30 * time.Second
	// onceAttempts is how many failures without progress end CatchUp.
	onceAttempts = 5
	// haltLooks is how many looks in a row must find no fork within reach before
	// the coin halts; less than onceAttempts.
	haltLooks = 3
	// progressEvery is the pause between two Progress events.
	progressEvery = time.Second
	// haltReport is the pause between two Halted events while halted.
	haltReport = 10 * time.Minute
	// aheadPause is the pause before another look when the node's tip is not the
	// one that its headers led to.
	aheadPause = 100 * time.Millisecond
	// mempoolChunk bounds the transactions of one change, and of one question
	// to the source; mempoolBytes their bytes.
	mempoolChunk = 1000
	mempoolBytes = 16 << 20
	// mempoolMost is how many unconfirmed transactions are followed; more are
	// left out until they are in a block.
	mempoolMost = 2_000_000
	// hintTxs and hintBytes bound the transactions that hints have brought and
	// that wait; beyond, the mempool is compared instead.
	hintTxs   = 4096
	hintBytes = 32 << 20
)

// withDefaults fills in what was left zero.
func (o Options) withDefaults() Options {
	o.MaxReorg = max(1, cmp.Or(o.MaxReorg, o.Params.Policy.MaxReorg))
	o.PrefetchBlocks = max(1, cmp.Or(o.PrefetchBlocks, 32))
	o.PrefetchBytes = cmp.Or(o.PrefetchBytes, 256<<20)
	o.Workers = max(1, cmp.Or(o.Workers, runtime.GOMAXPROCS(0)))
	o.PollInterval = cmp.Or(o.PollInterval, 5*time.Second)
	o.StallAfter = cmp.Or(o.StallAfter, time.Minute)
	if o.Clock == nil {
		o.Clock = SystemClock{}
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	return o
}
