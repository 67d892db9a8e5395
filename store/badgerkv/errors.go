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

	// ErrUnclean says that a folder cannot be opened without writing to it: the
	// process that had it open was killed. Open it with room on the disk.
	ErrUnclean = errors.New("index was not closed, and needs room to be opened")

	// ErrReadOnly says that the store was opened without leave to write.
	ErrReadOnly = errors.New("index was opened for reading only")

	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("store is closed")
)
