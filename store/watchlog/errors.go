package watchlog

import "errors"

var (
	// ErrForeign says that the log is of another coin, network or genesis block.
	// Give each coin and network its own folder.
	ErrForeign = errors.New("watch log belongs to another coin or network")

	// ErrNewer says that a newer Coffer wrote the log. Use that version or a later
	// one; nothing was changed.
	ErrNewer = errors.New("watch log has a newer format than this version reads")

	// ErrDamaged says that the log holds bytes that Coffer did not write, and whole
	// records behind them. Restore the file from a backup; or move it away, and
	// the next start writes a new one of what the index watches.
	ErrDamaged = errors.New("watch log is damaged")

	// ErrRecord says that a record cannot be written: it is empty, too long, or
	// holds a value out of range.
	ErrRecord = errors.New("not a record of the watch log")

	// ErrPosition says that a position is not the beginning of a record of this
	// log. Read it from the start.
	ErrPosition = errors.New("not a position of this watch log")

	// ErrBroken says that the log could not be brought back to its last whole
	// record after a write failed. Nothing more is written until it is opened
	// anew.
	ErrBroken = errors.New("watch log must be opened anew after a failed write")
)
