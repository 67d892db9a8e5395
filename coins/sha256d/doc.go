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
// A [Hasher] has two lanes. A message is copied into an idle lane's buffer,
// with SHA-256's padding; when both lanes are filled, the assembly runs them
// side by side over as many blocks as the shorter one has, and the lane that
// is through takes the next message. A message longer than the buffer passes
// through it in parts. The state of a message is kept where its hash will
// stand, so that the second SHA-256, the same single block for every message,
// is one pass over all of them at the end.
//
//	Add ─┬─ lane A ─┐
//	     │          ├─ compress ── states in dst ── rehash ── hashes in dst
//	     └─ lane B ─┘
//
// # Invariants
//
//   - Between calls at least one lane is idle.
//   - Whatever path is taken, the hashes are those of crypto/sha256: tests and
//     fuzzing compare them for every length and split.
//   - Nothing is allocated after [New].
package sha256d
