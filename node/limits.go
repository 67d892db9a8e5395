package node

import "time"

// Limits of what a node may send and of what we ask at once.
const (
	// MaxFrame is the longest message of the peer protocol and of ZMQ accepted,
	// in bytes. Dogecoin's header messages carry proofs and are over 1 MB.
	MaxFrame = 32 << 20

	// MaxAnswer is the default of Options.MaxAnswer, in bytes: a full block
	// decoded by the node (verbosity 2) stays below it.
	MaxAnswer = 128 << 20

	// MaxHeaders is how many headers one REST request or RPC batch asks for; the
	// nodes' own limit for REST.
	MaxHeaders = 2000

	// maxBatch is how many calls one RPC batch holds.
	maxBatch = 500

	// maxTxBatch is how many transactions one RPC batch asks for. Standard
	// transactions have at most 400,000 bytes, 800,000 as hexadecimal, so an
	// answer stays below 64 MiB.
	maxTxBatch = 64

	// maxSmallAnswer bounds a refusal's body and what is drained so that a
	// connection can be used again.
	maxSmallAnswer = 64 << 10

	// maxSecretFile bounds a password or cookie file.
	maxSecretFile = 4 << 10

	// maxTxHints and maxTxHintBytes bound the queue of transaction hints; one
	// more turns the queue into a gap.
	maxTxHints     = 4096
	maxTxHintBytes = 16 << 20
)

// Defaults of Options, with what they weigh.
const (
	// DefaultDialTimeout bounds the making of a connection.
	DefaultDialTimeout = 5 * time.Second

	// DefaultCallTimeout bounds one call and its answer.
	DefaultCallTimeout = 30 * time.Second

	// DefaultBlockTimeout bounds one block over RPC or REST, and over the peer
	// protocol the time from one block's end to the next one's.
	DefaultBlockTimeout = 60 * time.Second

	// DefaultConnections is how many connections fetch blocks at once over REST
	// and over RPC. Measured over REST on two busy cores: 1 gave 416 MB/s, 2 663,
	// 3 1,024, 4 1,084, 6 1,286. Nodes before Core 28 serve with four threads
	// (rpcthreads); more of ours would only wait, and take from other callers.
	DefaultConnections = 4

	// DefaultInFlight is how many blocks are asked for at once over the peer
	// protocol. From 4 on it is the node's one thread for messages that limits
	// (measured: 4, 8, 16 and 32 gave 594 to 761 MB/s in no order on a loopback
	// connection); 32 keeps a connection of 100 MB/s and 300 ms full.
	DefaultInFlight = 32

	// DefaultRetryMin and DefaultRetryMax bound the pause before a broken
	// connection or transport is tried again; it doubles in between.
	DefaultRetryMin = 500 * time.Millisecond
	DefaultRetryMax = time.Minute

	// idleTimeout is how long a silent peer is believed to be there before it is
	// pinged. Nodes ping by themselves every two minutes.
	idleTimeout = 150 * time.Second

	// cancelGrace is how long a cancelled call waits for the peer to finish
	// writing into the caller's buffer before it ends the connection.
	cancelGrace = time.Second
)
