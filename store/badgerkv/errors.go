package badgerkv

import "errors"

var (
	// ErrLocked says that another process has the folder open. Stop it, or talk
	// to it instead.
	ErrLocked = errors.New("another process has the index open")

	// ErrCorrupt says that the folder's files are damaged. Restore a snapshot,
	// or remove the folder and rebuild the index from the node.
	ErrCorrupt = errors.New("index files are damaged")

	// ErrDiskFull says that the disk has no room. Nothing of the transaction was
	// written; make room and try again.
	ErrDiskFull = errors.New("disk is full")

	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("store is closed")
)
