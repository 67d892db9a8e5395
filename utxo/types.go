package utxo

import (
	"time"

	"coffer.example/coffer/coins"
)

// Seq numbers the changes of one index, from 1, without gaps. It means
// something only together with the index's [IndexID].
type Seq uint64

// IndexID names one life of an index: random, drawn at creation and after
// every rebuild and restore.
type IndexID [16]byte

// Coin is one output that a watched script received, unspent or not.
type Coin struct {
	OutPoint coins.OutPoint
	Value    coins.Amount
	Script   []byte
	// Block holds it; the zero BlockID while unconfirmed.
	Block     coins.BlockID
	Confirmed bool
	// Index is the transaction's place in its block.
	Index    uint32
	Coinbase bool
	PegOut   bool
	// SpentBy is an unconfirmed transaction that spends it; zero where none is
	// known. Set by queries, not in changes.
	SpentBy coins.TxID
	// Reserved says who has reserved it; nil where nobody has. As SpentBy.
	Reserved *Claim
}

// Balance is what a script, or several, hold: named classes, never one number.
type Balance struct {
	// Confirmed is unspent and in a block, Immature included.
	Confirmed coins.Total `json:"confirmed"`
	// Immature is the part of Confirmed that consensus does not let be spent in
	// the next block yet: coinbase outputs and peg-outs.
	Immature coins.Total `json:"immature"`
	// Incoming is received by unconfirmed transactions.
	Incoming coins.Total `json:"incoming"`
	// Outgoing is the part of Confirmed and Incoming that unconfirmed
	// transactions spend.
	Outgoing coins.Total `json:"outgoing"`
	// Reserved is the part of Confirmed and Incoming that is reserved and that no
	// unconfirmed transaction spends.
	Reserved coins.Total `json:"reserved"`
	// Total is Confirmed + Incoming − Outgoing.
	Total coins.Total `json:"total"`
	// Coins counts the unspent confirmed outputs.
	Coins uint64 `json:"coins"`
	// Received counts the outputs ever received in blocks.
	Received uint64 `json:"received"`
}

// EventKind says what happened to a script.
type EventKind uint8

// The kinds of a history entry.
const (
	Funded EventKind = 1 // an output pays the script
	Spent  EventKind = 2 // an input spends a coin of the script
)

// Event is one line of a script's history: one output received, or one spent.
type Event struct {
	Kind  EventKind
	Block coins.BlockID
	// Time is the block's own time.
	Time time.Time
	// Index is the place of the transaction in its block.
	Index uint32
	TxID  coins.TxID
	// N is the output's number for Funded, the input's for Spent.
	N uint32
	// OutPoint is the coin received or spent; Value what it is worth.
	OutPoint coins.OutPoint
	Value    coins.Amount
	// Script received or spent it.
	Script []byte
	// Unconfirmed entries have no Block; they come first.
	Unconfirmed bool
}

// WatchState says whether a script's history is complete.
type WatchState uint8

// The states of a watched script.
const (
	// Live: complete from its birth on.
	Live WatchState = 1
	// Scanning: live from its import on, its past still being read by a job.
	Scanning WatchState = 2
)

// Watch is one watched script.
type Watch struct {
	Script []byte
	// Birth is the height from which its history is, or will be, complete.
	Birth coins.Height
	State WatchState
	// Job reads its past while Scanning.
	Job   JobID
	Label string
	// Metadata is kept for programs; archived scripts are watched as all others.
	Metadata string
	Archived bool
	// Added is when it was imported.
	Added time.Time
	// Origins say which sources derive it; none of a script imported by itself.
	Origins []Origin
}

// JobID numbers rescan jobs, from 1.
type JobID uint64

// JobState is where a job stands.
type JobState uint8

// The states of a job. Only Done, Cancelled and Failed are ends; a failed or
// cancelled one can be resumed.
const (
	JobQueued    JobState = 1
	JobRunning   JobState = 2
	JobDone      JobState = 3
	JobCancelled JobState = 4
	JobFailed    JobState = 5
)

// Job is a durable record of a rescan.
type Job struct {
	ID    JobID
	State JobState
	// From is the first height read, To the last one of which outputs are taken;
	// the job reads on to the tip, for spends of what it found.
	From, To coins.Height
	// All says that it covers every watched script; else those whose Watch names
	// it.
	All bool
	// Next is the cursor: the height read next.
	Next    coins.Height
	Scripts uint64
	// Found counts the outputs and inputs it added.
	Found             uint64
	Created, Finished time.Time
	// Error is why it failed.
	Error string
}

// ChangeKind says what a change reports.
type ChangeKind uint8

// The kinds of change.
const (
	BlockConnected    ChangeKind = 1
	BlockDisconnected ChangeKind = 2
	CoinCreated       ChangeKind = 3 // in the block connected before it in the log
	CoinSpent         ChangeKind = 4
	CoinRemoved       ChangeKind = 5 // its creation was undone by a disconnect
	CoinRestored      ChangeKind = 6 // its spend was undone
	TxSeen            ChangeKind = 7 // unconfirmed, first seen
	TxGone            ChangeKind = 8 // left the mempool; can come back
	TxConflicted      ChangeKind = 9 // an input of it was spent by another transaction in a block
)

// Change is one entry of the change log that consumers follow with cursors of
// their own.
type Change struct {
	Seq   Seq
	Kind  ChangeKind
	Block coins.BlockID
	// TxID is the transaction that created or spent, or the unconfirmed one.
	TxID coins.TxID
	Coin Coin
	// Historical marks what a backfill found in the past.
	Historical bool
}
