package snapshot

import "errors"

var (
	// ErrNone says that a folder is no snapshot: it has no manifest. Name the
	// folder that `coffer snapshot` wrote; one that ends in .partial was never
	// finished.
	ErrNone = errors.New("not a snapshot: name the folder that `coffer snapshot` wrote")

	// ErrDamaged says that a snapshot is not what was written: bytes are missing,
	// changed, or too many. Take another snapshot.
	ErrDamaged = errors.New("snapshot is damaged: nothing was changed; use another one")

	// ErrNewer says that a newer Coffer wrote the snapshot. Use that version or a
	// later one.
	ErrNewer = errors.New("snapshot has a newer format than this version reads")

	// ErrExists says that there is something already where the snapshot is to be
	// written. Name a folder that does not exist.
	ErrExists = errors.New("there is something already: name a folder that does not exist")

	// ErrBusy says that somebody else writes a snapshot of that name right now.
	ErrBusy = errors.New("another process writes this snapshot")
)
