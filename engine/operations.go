package engine

import (
	"context"
	"encoding/json"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// Operations is all that can be asked of Coffer. [*Engine] does them, the API serves them over HTTP, and its client
// implements them again, so that a caller need not know which it has.
type Operations interface {
	Overview
	Watching
	Queries
	Rescans
	Lookups
	Upkeep
}

// Overview says how things stand.
type Overview interface {
	// Status tells of every coin. A coin that is in trouble says so in its State; it is not an error.
	Status(ctx context.Context) (Status, error)
	// Coin tells of one coin.
	Coin(ctx context.Context, coin coins.Symbol) (CoinStatus, error)
}

// Watching is the set of addresses that are watched.
type Watching interface {
	Deriving
	// ImportAddresses watches addresses, durably when it returns, and queues the job that reads their past. A bad
	// address is an [*AddressError], and nothing of the list is imported.
	ImportAddresses(ctx context.Context, coin coins.Symbol, request ImportRequest) (ImportResult, error)
	// ImportLines is ImportAddresses for any number of lines ADDRESS[,LABEL[,METADATA]], as [ParseLine] reads them. All of
	// them are checked before one is imported. What is done is told to progress, which may be nil.
	ImportLines(ctx context.Context, coin coins.Symbol, request LinesRequest, progress func(ImportProgress)) (ImportResult, error)
	// Watches lists what is watched.
	Watches(ctx context.Context, coin coins.Symbol, query WatchQuery) (WatchList, error)
	// ChangeWatches changes label, metadata or archive flag of watched addresses: of all of them, or of none.
	ChangeWatches(ctx context.Context, coin coins.Symbol, change WatchChange) (changed int, err error)
	// RemoveWatches stops watching, and forgets the coins and history of what was watched.
	RemoveWatches(ctx context.Context, coin coins.Symbol, addresses []string) (removed int, err error)
}

// Queries reads the index, and reserves what it lists.
type Queries interface {
	Reserving
	// Balance is of one address, or with "" of all that are watched together.
	Balance(ctx context.Context, coin coins.Symbol, address string) (Balance, error)
	// BalanceAt is what it was after the last block of a height or a date.
	BalanceAt(ctx context.Context, coin coins.Symbol, address, at string) (PastBalance, error)
	// Coins lists unspent outputs.
	Coins(ctx context.Context, coin coins.Symbol, query CoinQuery) (CoinList, error)
	// History lists what happened, newest first if not asked otherwise.
	History(ctx context.Context, coin coins.Symbol, query HistoryQuery) (HistoryList, error)
}

// Rescans are the jobs that read the past.
type Rescans interface {
	// Rescan queues a job.
	Rescan(ctx context.Context, coin coins.Symbol, request RescanRequest) (Job, error)
	// Jobs lists all jobs of a coin, newest first.
	Jobs(ctx context.Context, coin coins.Symbol) ([]Job, error)
	// Job returns one.
	Job(ctx context.Context, coin coins.Symbol, id JobID) (Job, error)
	// CancelJob ends a job that is not done; it can be resumed.
	CancelJob(ctx context.Context, coin coins.Symbol, id JobID) (Job, error)
	// ResumeJob queues a cancelled or failed job again; it goes on where it stopped.
	ResumeJob(ctx context.Context, coin coins.Symbol, id JobID) (Job, error)
}

// Lookups asks the coin's nodes.
type Lookups interface {
	Nodes
	// Block finds a block of the active chain by height, or any by hash.
	Block(ctx context.Context, coin coins.Symbol, heightOrHash string) (Block, error)
	// Transaction finds a transaction's bytes in the block named by height or hash; with "" in the mempool, or wherever
	// the node's own transaction index has it.
	Transaction(ctx context.Context, coin coins.Symbol, id coins.TxID, block string) (Transaction, error)
}

// Upkeep looks after an index.
type Upkeep interface {
	WholeUpkeep
	Snapshots
	// CheckIndex proves every invariant of the index; what it finds broken is in the report.
	CheckIndex(ctx context.Context, coin coins.Symbol) (CheckReport, error)
	// RebuildIndex drops everything but the watch set, and queues reading it again from the node.
	RebuildIndex(ctx context.Context, coin coins.Symbol) (ImportResult, error)
}

// Page asks for a part of a list.
type Page struct {
	// After is Next of the page before; "" asks for the first.
	After string `json:"after,omitempty"`
	// Limit is the most that is wanted, up to [MaxPage]; 0 is [DefaultPage].
	Limit int `json:"limit,omitempty"`
}

// Sizes of pages.
const (
	DefaultPage = 100
	MaxPage     = 10_000
)

// Status tells of everything.
type Status struct {
	Version string `json:"version"`
	// Daemon says that a daemon answered; Since is when it started.
	Daemon bool      `json:"daemon"`
	Since  time.Time `json:"since,omitzero"`
	PID    int       `json:"pid,omitempty"`
	// DataDir is where it keeps its indexes.
	DataDir string       `json:"data_dir"`
	Coins   []CoinStatus `json:"coins"`
}

// CoinState is how a coin is doing.
type CoinState string

// The states of a coin.
const (
	// StateIdle: nobody follows the chain; the daemon is not running.
	StateIdle CoinState = "idle"
	// StateStarting: its parts are being opened.
	StateStarting CoinState = "starting"
	// StateSyncing: blocks behind the tip are being read.
	StateSyncing CoinState = "syncing"
	// StateFollowing: at the tip.
	StateFollowing CoinState = "following"
	// StateWaiting: something outside (node, disk) is in the way; it is tried again.
	StateWaiting CoinState = "waiting"
	// StateHalted: somebody must act.
	StateHalted CoinState = "halted"
)

// Pace is how fast blocks behind the tip are read; zero but while syncing.
type Pace struct {
	BlocksPerSecond float64       `json:"blocks_per_second,omitempty"`
	Remaining       time.Duration `json:"remaining_ns,omitempty"`
}

// CoinStatus tells of one coin.
type CoinStatus struct {
	Coin    coins.Symbol  `json:"coin"`
	Name    string        `json:"name"`
	Network coins.Network `json:"network"`
	State   CoinState     `json:"state"`
	// Reason says why it is waiting or halted, and what to do.
	Reason string `json:"reason,omitempty"`
	// Tip is the index's last block; nil before the first.
	Tip *coins.BlockID `json:"tip"`
	// TipTime is the time in the tip block's header.
	TipTime time.Time `json:"tip_time,omitzero"`
	Pace
	// Node is the one in use, Nodes all in the order of the configuration.
	Node  *NodeStatus  `json:"node,omitempty"`
	Nodes []NodeStatus `json:"nodes,omitempty"`
	Index *IndexStatus `json:"index,omitempty"`
	// Whole is of the index of every script, nil where the coin has none.
	Whole *WholeStatus `json:"whole,omitempty"`
}

// IndexStatus tells of a coin's index.
type IndexStatus struct {
	ID string `json:"id"`
	// Watched counts the addresses; Jobs those rescans that are not done.
	Watched uint64   `json:"watched"`
	Jobs    int      `json:"jobs"`
	LastSeq utxo.Seq `json:"last_seq"`
	// Unconfirmed counts the unconfirmed transactions that concern a watched address.
	Unconfirmed int `json:"unconfirmed"`
	// Task is long work on the index: a snapshot, a restore. One is told of where there is no index yet.
	Task *Task `json:"task,omitempty"`
}

// ImportRequest asks to watch addresses.
type ImportRequest struct {
	Addresses []string `json:"addresses"`
	// From is where reading the past begins: "genesis" (also ""), "none", a height, or a date (2026-11-20, or RFC
	// 3339), which means two hours earlier, because miners' clocks may be that wrong.
	From  string `json:"from,omitempty"`
	Label string `json:"label,omitempty"`
}

// MaxImport is the longest list of addresses taken at once; [Watching].ImportLines has no limit.
const MaxImport = 1_000_000

// ImportResult tells what an import did.
type ImportResult struct {
	Added int `json:"added"`
	// Known were watched before.
	Known int `json:"known"`
	// Job reads their past; nil where there is nothing to read.
	Job *Job `json:"job,omitempty"`
}

// RescanRequest asks to read blocks again.
type RescanRequest struct {
	// From is as in [ImportRequest]; To is the last block of which outputs are taken, "" the tip.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Addresses must be watched; none means all that are.
	Addresses []string `json:"addresses,omitempty"`
}

// Job is a rescan as people see it.
type Job struct {
	Coin coins.Symbol `json:"coin"`
	ID   JobID        `json:"id"`
	// State is queued, running, interrupted (begun, and nobody does it at the moment), done, cancelled or failed.
	State string       `json:"state"`
	From  coins.Height `json:"from"`
	To    coins.Height `json:"to"`
	// Next is the height read next, Tip the last it has to read: Next > Tip when done.
	Next coins.Height `json:"next"`
	Tip  coins.Height `json:"tip"`
	// Scripts counts the addresses it reads for; Found the outputs and inputs it has added.
	Scripts uint64 `json:"scripts"`
	Found   uint64 `json:"found"`
	JobTimes
	Error string `json:"error,omitempty"`
}

// JobID numbers a coin's rescans, from 1.
type JobID = utxo.JobID

// Ended reports whether a job is done, cancelled or failed.
func (j Job) Ended() bool { return j.State == "done" || j.State == "cancelled" || j.State == "failed" }

// Watch is one watched address.
type Watch struct {
	Address string `json:"address"`
	Label   string `json:"label,omitempty"`
	// Metadata is a JSON object of texts.
	Metadata json.RawMessage `json:"metadata,omitempty"`
	// Archived addresses stay watched.
	Archived bool `json:"archived,omitempty"`
	// Birth is the height from which its history is, or will be, complete.
	Birth coins.Height `json:"birth"`
	// State is live, or scanning while its past is being read by Job.
	State string    `json:"state"`
	Job   JobID     `json:"job,omitempty"`
	Added time.Time `json:"added"`
	// Origins say which extended keys or descriptors derive it.
	Origins []Origin `json:"origins,omitempty"`
}

// WatchList is a page of watched addresses.
type WatchList struct {
	Watches []Watch `json:"watches"`
	// Next is the cursor of the next page, "" at the end.
	Next string `json:"next,omitempty"`
}

// Balance is what an address, or all of them, hold.
type Balance struct {
	Coin    coins.Symbol `json:"coin"`
	Address string       `json:"address,omitempty"`
	utxo.Balance
	// Scanning says that the past is still being read: there may be more.
	Scanning bool `json:"scanning"`
	// Tip is the block up to which this is true.
	Tip *coins.BlockID `json:"tip"`
	// Source is [SourceAll] for an address that is not watched; else "".
	Source string `json:"source,omitempty"`
}

// Block is one block as the node has it.
type Block struct {
	ID            coins.BlockID   `json:"block"`
	Prev          coins.BlockHash `json:"prev"`
	Time          time.Time       `json:"time"`
	Transactions  int             `json:"transactions"`
	Inputs        int             `json:"inputs"`
	Outputs       int             `json:"outputs"`
	Bytes         int             `json:"bytes"`
	MergeMined    bool            `json:"merge_mined,omitempty"`
	PegOuts       int             `json:"peg_outs,omitempty"`
	Confirmations coins.Height    `json:"confirmations"`
	TxIDs         []coins.TxID    `json:"txids"`
	// Nodes is how many nodes have it on their active chain; nil where the coin has one node.
	Nodes *Agreement `json:"nodes,omitempty"`
}

// Transaction is one transaction's bytes.
type Transaction struct {
	ID  coins.TxID `json:"txid"`
	Hex string     `json:"hex"`
	// Block holds it, where that is known; nil otherwise and while unconfirmed.
	Block *coins.BlockID `json:"block"`
}

// CheckReport is what a check of an index found.
type CheckReport struct {
	Coin coins.Symbol   `json:"coin"`
	OK   bool           `json:"ok"`
	Tip  *coins.BlockID `json:"tip"`
	// Digest is of coins, history, undo and tip: equal for equal chain and watch set.
	Digest string `json:"digest,omitempty"`
	// Violations are the first of what is wrong.
	Violations []string      `json:"violations,omitempty"`
	Took       time.Duration `json:"took_ns"`
	// Whole is of the index of every script, nil where the coin has none; OK is of both.
	Whole *WholeReport `json:"whole,omitempty"`
}
