// Package sha256d computes double SHA-256, SHA-256(SHA-256(message)), of many
// independent short messages: transaction ids and merkle trees.
//
// Its place in the flow: coins verifies every block with it. Most of that work
// is hashing, on messages of a few hundred bytes, where crypto/sha256 spends
// more time on calls and on waiting for itself than on the message. On amd64
// with the SHA extensions this package hashes two messages at a time;
// everywhere else, and when built with the tag purego, it calls crypto/sha256.
// docs/decisions/0004-own-double-sha256.md says why and what was measured.
//
// # How a batch runs
//
// A message is copied, with SHA-256's padding, into one of a few buffers. The
// assembly hashes two of them side by side, in lanes A and B, over as many
// blocks as the shorter one has left; the lane that is through takes the next.
// A message longer than its buffer passes through it in parts. The state of a
// message is kept where its hash will stand, so that the second SHA-256, one
// block for every message, is one pass over all of them at the end.
//
//	Add ── ready ─┬─ lane A ─┬─ compress ── states in dst ── rehash ── hashes in dst
//	              └─ lane B ─┘
//
// # Invariants
//
//   - A buffer is free, ready or in a lane.
//   - A state is read only after all blocks before it are hashed, and dst holds
//     nothing but states until the batch is finished.
//   - Whatever path is taken, the hashes are those of crypto/sha256: tests and
//     fuzzing compare them for every length and split.
//   - Nothing is allocated after [New].
package sha256d
