// Package sim is a deterministic simulation of one coin. A seed decides the
// chain, what goes wrong and what users do; the scanner and the index run on
// simulated time against a model that computes every answer from nothing. The
// same seed tells the same story, word for word.
//
//	           seed ──▶ Scenario: steps ──▶ director
//	                                          │ lets one call through at a time, moves the clock,
//	                                          ▼ changes the chain, acts for users, crashes
//	node ──gate──▶ scanner ──gate──▶ utxo.Index ──▶ store (memkv, the n-th call fails)
//	                  └──gate──▶ jobs ──gate──┘└──▶ change log ──▶ consumer, with its own cursor
//
// Everything runs in a bubble of testing/synctest. Every call of the node by
// scanner and jobs, and every write of the index, stops at a gate; when nothing
// runs any more the director lets one of them through, as the seed decides, or
// does something else: so every interleaving of calls can come up, and each is
// found again. The clock is the simulation's own and moves when told.
//
// # What is held
//
//   - The scanner leaves a branch only for one with more work, or an invalid
//     one, and exactly at the fork. It never ends and never halts.
//   - After a failure or a crash the index stands at a whole block, between the
//     last durable one and the last applied.
//   - At every quiet point all is at rest at the node's tip, Index.Check is clean,
//     and balances, coins, history and mempool are the model's.
//   - The change log, read by a consumer that a crash does not touch, has no gap;
//     each coin is booked once and reversed once, in the block that the log
//     stands at unless it is marked historical; what it leaves is the model's.
//   - In the end the index is the one that is built from nothing (law 1).
//
// A scenario that fails is shrunk to the steps that it takes and told as a
// story. docs/testing.md says how to replay one.
package sim
