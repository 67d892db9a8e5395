// Package utxo is the index: watched scripts, their coins, balances and
// history, as a pure function of the chain and the watch set.
//
// Its place in the flow: the scanner hands over verified blocks in order
// ([Index.Connect], [Index.Disconnect]), unconfirmed transactions
// ([Index.Mempool]), and the past for scripts imported later ([Backfill]);
// consumers ask ([Index.Balance], [Index.Coins], [Index.History]) and follow
// the numbered log ([Index.Changes]). It stores rows in a [Store] and knows
// neither database, node nor scanner.
//
// # Invariants, all proven by [Index.Check]
//
//   - One block is one transaction of the store: coins, history, undo, log and
//     tip are durable together. While the scanner says that more blocks follow
//     at once (coins.Block.More), up to 256 whole blocks share one; what is
//     durable is always a whole number of blocks.
//   - A block is applied only above the tip, to its parent.
//   - What is in memory follows a commit; a commit that fails leaves memory as
//     it was before the blocks in it.
//   - A coin is in five rows at once: its own, its script's, its history's, its
//     transaction's and its script's balance.
//   - Facts, an output received or spent, are all there is: history lists them
//     by script, undo by block and for good, balances and coins are their sums.
//   - Outputs that nothing can spend are no coins: those of the genesis block,
//     and those of scripts that cannot be watched. A coinbase with the id of an
//     earlier one (Bitcoin's 91842 and 91880) spends what is left of that.
//   - The log has no gaps from its first row on. It keeps what a cursor has yet
//     to take, and what came with blocks that can still be disconnected.
//
// # Matching
//
// Prepare hashes every output's script and every input's outpoint to 64 bits
// with a seed of this process, concurrently and ahead. Connect looks the hashes
// up, in order, in two sets that are always current: a Bloom filter of one word
// a hash that stays in the CPU's cache, then a table. What passes is proven by
// the stored script or outpoint, so that neither set can lie.
//
// # Completeness of a script
//
// A script is live from its import on. Its past is read by a job with a cursor
// of its own, in order, up to the tip, where it ends in the same transaction as
// its last block. What the job meets that the tip has applied already stays as
// it is; spends in blocks that the tip has passed are found because the job
// reads on. Several jobs run at once, and a block is taken once for all that are
// at it. A script imported again with an earlier birth, while a job reads it,
// gets a second job for what lies below: it is complete when both have ended,
// and each tells the log of the coins created in its own part. Below the index's start, where the tip never was, a job's own
// headers are the chain. Payments below a script's birth do not count; where a
// reorg leads below its import, its birth falls with the first payment there.
//
// # The change log
//
// Whoever derives something from the log registers a cursor by name
// ([Index.RegisterCursor]), keeps its own beside what it derived, and tells the
// index now and then how far it has come. Each connected block prunes some rows
// from the log's front: up to the slowest cursor of this index id, and not what
// came with blocks that can be disconnected still, nor what a job is to tell of.
// Without a cursor that depth is all that is kept; a consumer that was away for
// longer compares the coins there are instead. One that lags more than
// [MaxCursorLag] changes falls off; it and those of another index id (after a
// reset or a restore) get [ErrPruned] or [ErrOtherIndex], never a gap.
//
// What a job keeps for its end (rows 'q') is told only of scripts that are
// watched then. Of one that is unwatched meanwhile it goes, with the script's
// history and in the same commits; what is left is numbered anew, as the last
// part of the unwatch and before anything else is written, so that the changes
// of a job have no gap. A script imported again has another number, and jobs of
// its own. Whoever unwatches a script forgets it where the log then ends: from
// there on the log says nothing of it until it is imported again.
//
// That an unconfirmed transaction spends a coin is told only where the coin has
// been: of one that a job keeps both are told at the job's end, in this order.
// So every spend that was seen is closed: by the transaction's [TxGone] or
// [TxConflicted], by its [CoinSpent] in a block, or with the coin itself, by
// [CoinRemoved] or by the [TxGone] of the transaction that would have made it.
//
// # Sources
//
// A source derives scripts, in branches by index ([Index.AddSource]). Of each
// branch the used ones and a gap behind them are watched. What pays a derived
// script, in a block, in a job's block or unconfirmed, extends its branch in the
// same transaction, and is matched again with what that added until nothing is.
// What a block above the tip derives counts from that block on; what a job
// derives has its past read from the job's own start: by the job from its cursor
// on, before it by a job that is made when the first ends, in the same
// transaction. A reorg takes coins back and never a script: derived, used and
// issued only grow, and are part of the watch set that the index is a function
// of.
//
// # Reservations
//
// A coin can be reserved for an owner: a lease on its outpoint, under a token
// that ascends for as long as the index lives. Leases are no function of chain
// and watch set: they are not in the digest, a reset keeps them, and the log
// does not tell of them. A lease follows its outpoint. While the coin is away
// (spent in a block, or taken by a reorg or the mempool) it rests; where the
// coin comes back it is in force again, so that an owner whose spend a reorg
// undoes does not lose the coin to another; when the coin was away for as many
// blocks as can be undone, it ends. One that the clock has ended holds nothing
// from that moment on, and its rows go with a later commit. With a script's
// watch its coins' leases go.
//
// # History by block
//
// Undo is kept for good: it is the history of all scripts together, in order.
// Facts of scripts that are watched no more stay in it and are passed over.
//
// # Rows
//
// Numbers are big endian, so that keys sort as numbers do. A transaction's
// number is its height (4) and its place in the block (4); a script's (4) is
// the order of import. V is a varint.
//
//	key                                          value
//	'i'                                          version 4, index id 16, start 4, genesis 32, resetting 1,
//	                                             V symbol, V network
//	's'                                          has tip 1, height 4, hash 32, undo from 4, last change 8, last script 4,
//	                                             last job 8, watched 8, confirmed 16, coins 8, received 8
//	'o' source 4                                 from 4, job 8, added 8, V gap, V label, V text, for each branch V derived, V used, V issued
//	'y' script 4, source 4, branch 4, index 4    (nothing): the script is derived there
//	'z' job 8, script 4                          from 4, to 4: what the job's successor has to read of the script
//	'h' height 4                                 header 80
//	'w' script 4                                 flags 1 (1 complete before its job, 2 leaving, 4 archived, 8 metadata, 0x40 claims, 0x80 derived),
//	                                             birth 4, since 4, job 8, added 8, V label, V metadata if flagged, claims if flagged: count 1,
//	                                             each job 8, from 4, past 1; script
//	'm'                                          how far the watch log is applied, as whoever keeps that log writes it
//	'x' transaction 8                            txid 32, events 4
//	'x' transaction 8, output 4                  an unspent coin: script 4, value 8, flags 1
//	't' first 8 of the txid                      transactions 8 each, ascending
//	'u' script 4, class 1, transaction 8, out 4  the same coin by script: value 8, flags 1
//	'e' script 4, transaction 8, 1, output 4     received: value 8, flags 1
//	'e' script 4, transaction 8, 0, input 4      spent: the coin's transaction 8 and output 4, value 8, flags 1
//	'b' script 4                                 confirmed 16, coins 8, received 8
//	'a' height 4                                 what the block added to the index's own sums: confirmed 16, coins 8, received 8; of its own
//	                                             outputs unspent: coinbase 16, peg-outs 16
//	'd' height 4                                 what the block did, its undo too: facts of flags 1 (with 0x80: spent), V place, V number, for spent
//	                                             V height, V place and V output of the coin; V script, V value
//	'l' first change 8                           kind 1, V count, height 4 and hash 32, changes
//	'j' job 8                                    state 1, all 1, id 8, from 4, to 4, next 4, scripts 8, found 8, kept 8,
//	                                             created 8, finished 8, error
//	'q' job 8, height 4                          changes before it 8, and as 'l': what a job keeps until its end
//	'c'                                          where the log begins: its first row 8, first change 8, the job's height 4
//	'c' name                                     cursor: index id 16, change 8, height 4 and hash 32, told 8
//	'r'                                          the last token 8
//	'r' token 8                                  a reservation: created 8, expires 8, coins 4, V owner, purpose; times in microseconds
//	'r' token 8, txid 32, output 4               its coin: place 1, since 4, script 4, value 8
//	'p' txid 32                                  seen 8, raw transaction: unconfirmed, touching a watched script
//
// A change is kind 1, flags 1, txid 32, the coin's txid 32 where it is another
// (flag 0x10), its block's height 4 and hash 32 where that is another than the
// row's (0x40), V place, V output, V value, V script. Flags of a coin: 0x01
// coinbase, 0x02 peg-out, 0x04 found by a job; class is 1 for coins that
// mature, so that immature ones are found without reading the others.
//
// Chain order makes the keys of 'x' and 'h' ascend as blocks come. Only 't' is
// random, and short: transactions that share eight bytes stand in one row and
// are told apart by their own. An index of every script of a chain needs one
// table more, from the script's hash to its number, under the same rule.
package utxo
