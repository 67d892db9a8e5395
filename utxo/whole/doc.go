// Package whole is the index of every script of a chain: balance, coins and
// history of any of them, watched or not.
//
// Its place in the flow: it stands beside package utxo, with a store, a tip and
// a scanner of its own, so that building it never holds up the watched index.
// Blocks come in order ([Index.Connect], [Index.Disconnect]); questions are
// [Index.Balance], [Index.Coins], [Index.History] and [Index.Output]. It has no
// watch set, change log, jobs or mempool: it is a pure function of the chain.
//
// # How it is stored
//
// Two things are asked of the chain: an output by its outpoint, and what
// happened to a script. The first is stored in the order of the chain, sixteen
// transactions a row. The second, and the way from a transaction's id to its
// place, have random keys, of which a block brings thousands. A row for each
// would cost more than everything else, so they are written as sorted runs:
// what some blocks bring is sorted and packed, some hundred to a row. Eight
// runs of a size are merged into one, so that a question looks into few. A
// run is never changed; merging makes a new one and drops the old.
//
// A script's key is twelve bytes of SHA-256 over a salt, drawn for the index,
// and the script. Nobody who does not know the salt can make two scripts with
// the same key, and with all of Bitcoin's the chance that any two have is one
// in 2^33. A question also compares the script it asks for with one that is
// stored in full.
//
// Nothing is stored to undo blocks: whatever a block has brought is told by
// heights. Disconnecting one deletes its header and transactions, and says of
// runs from which height on they count for nothing (cut).
//
// # Invariants, all but the first two proven by [Index.Check]
//
//   - What is durable is always a whole number of blocks. The state row decides:
//     rows that it does not lead to are not part of the index, and are deleted at
//     the next open. At the tip one block is one transaction of the store.
//   - A commit that fails leaves the index at the last durable block.
//   - Headers connect from the genesis block to the tip, and the ids of each
//     block's transactions hash to its merkle root.
//   - Every transaction is found by its id, every output that can be spent is
//     received by its script once, spent at most once and later.
//   - What is stored of a script with many events beside these, its sum and its
//     unspent coins, follows from them.
//   - Outputs that nothing can spend are no coins: those of the genesis block, and
//     those of scripts that begin with OP_RETURN or are too long. A coinbase with
//     the id of an earlier one (Bitcoin's 91842 and 91880) spends what is left of
//     that.
//
// # Memory
//
// The newest transactions, about 130 bytes each ([Options.Recent]), so that
// most inputs need no look at the store; what waits for a commit, about 130
// bytes an event while it is sorted ([Options.Pending]); and while runs are
// merged, the coins that one script holds in them.
//
// # Rows
//
// Numbers are big endian, V is a varint. A transaction's number is its height
// (4) and its place in the block (4); a script's key K is 12. Run numbers are
// 4, given out once. Buckets (4) spread hashes by their first bits, as many as
// the run's entry in the state says.
//
//	key                             value
//	'i'                             version 4, index id 16, salt 16, genesis 32, V symbol, V network
//	's'                             has tip 1, height 4, hash 32, last run 4, transactions 8, sum, V runs, V dropped runs
//	'h' height                      header 80, V transactions, sum
//	'x' height, chunk 4             count 1, ids 32 each; for each V outputs·2 + HogEx, each script and V value
//	't' run, bucket                 for each transaction V id's first 8 bytes, V height, V place
//	'e' run, bucket                 for each script V first 8 bytes of K, the others 4, V events, the events; or V 0, sum
//	'g' run, K, event's place 13    of a script with more than 64 events in the run: 128 of them
//	'm' run, K, event's place 13    128 of those of coinbases and peg-outs, once more
//	'l' run, K, coin 12             128 of the coins that they leave
//
// A sum is V received, V spent, worth 16, has generated coins 1. A run in the
// state is number, first and last height, cut, events 8, transactions 8, and
// the bits of the two numbers of buckets, 1 each. A script is a code V and
// what it needs: 0 for one that nothing can spend (without value), 1 to 6 for
// the usual forms with their hash or key, 7 + length for any other.
//
// An event is V height·8 + flags, V place, V number of output or input, V
// value; one spent goes on with the coin: V how many blocks below, V place, V
// output. Flags are 1 spent, 2 coinbase, 4 peg-out. A left coin is V height·8 +
// flags (1: of an earlier run, and spent), V place, V output, V value. Hashes
// and heights are stored as their distance from the one before, the first from
// the bucket's lowest hash and the run's first height (left coins: 0).
package whole
