// Package storetest holds every utxo.Store to what the interface says: the
// order of keys, snapshots, atomicity, scans, limits and reopening. A store's
// own tests call [Run].
package storetest
