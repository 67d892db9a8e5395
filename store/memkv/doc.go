// Package memkv is a utxo.Store in memory, for tests, simulations and demos:
// ordered, transactional, with snapshots, and gone with the process. It passes
// the same suite as the store that ships.
//
// A store is a persistent treap: every node is immutable once its transaction
// has committed, so that a snapshot is a pointer to a root. A node's priority
// is a hash of its key, which makes the tree's form a function of its content.
package memkv
