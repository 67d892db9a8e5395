package utxo

import "errors"

var (
	// ErrForeign says that the folder holds the index of another coin or
	// network. Point data_dir at this coin's own folder, or move the other away.
	ErrForeign = errors.New("index belongs to another coin or network")

	// ErrNewer says that a newer Coffer wrote the index. Use that version or a
	// later one; nothing was changed.
	ErrNewer = errors.New("index has a newer format than this version reads")

	// ErrCorrupt says that stored bytes are not what Coffer writes, or that an
	// invariant does not hold. Rebuild the index from the node; the watch set
	// is kept.
	ErrCorrupt = errors.New("index is corrupt")

	// ErrTooManyRows says that one transaction would hold more rows than the
	// store takes at once. It needs a store with a larger limit.
	ErrTooManyRows = errors.New("more rows than the store takes in one transaction")

	// ErrNotWatched says that a script is not in the watch set. Import it first.
	ErrNotWatched = errors.New("script is not watched")

	// ErrScript says that a script cannot be watched: it is empty, or nothing
	// can ever spend from it.
	ErrScript = errors.New("script cannot be watched")

	// ErrNote says that a label or metadata is longer than is kept.
	ErrNote = errors.New("label or metadata is too long")

	// ErrCursor says that a page cursor did not come from the query it is given
	// to. Begin again without one.
	ErrCursor = errors.New("not a cursor of this query")

	// ErrSequence says that a change number lies beyond the end of the log: the
	// cursor belongs to another index id. Resynchronise.
	ErrSequence = errors.New("sequence lies beyond the change log")

	// ErrPruned says that the log no longer keeps the next change: nobody had
	// registered a cursor before it, or its consumer did not come for too long.
	// Resynchronise: compare with the coins there are, and register anew.
	ErrPruned = errors.New("changes are no longer kept")

	// ErrOtherIndex says that a cursor counts the changes of another index id:
	// the index was rebuilt or restored since. Resynchronise and register anew.
	ErrOtherIndex = errors.New("cursor belongs to another index id")

	// ErrNoCursor says that no cursor has that name. Register it.
	ErrNoCursor = errors.New("no such cursor")

	// ErrCursorName says that a cursor cannot be named so: 1 to 64 of a-z, 0-9,
	// '.', '_' and '-'.
	ErrCursorName = errors.New("bad name for a cursor")

	// ErrTooManyCursors says that there are [MaxCursors] already. Drop one that
	// nobody advances any more.
	ErrTooManyCursors = errors.New("too many cursors")

	// ErrNoJob says that there is no job with that number.
	ErrNoJob = errors.New("no such job")

	// ErrJobState says that a job is not in a state for what was asked: it is
	// over, or it runs already.
	ErrJobState = errors.New("job is in another state")

	// ErrJobBusy says that another job runs, or reads the past of a script that
	// was named. Wait for it or cancel it.
	ErrJobBusy = errors.New("another job is in the way")

	// ErrRange says that a job's range of heights is empty or beyond the chain.
	ErrRange = errors.New("range of heights is empty or beyond the chain")

	// ErrReserve says that a request to reserve or release cannot be: no coin, a
	// coin twice, no owner, a text that is too long. Correct it.
	ErrReserve = errors.New("bad request to reserve")

	// ErrNoCoin says that no unspent coin of a watched script has that outpoint.
	ErrNoCoin = errors.New("no such coin")

	// ErrReserved says that another reservation holds the coin. Take another coin
	// or wait until it is released.
	ErrReserved = errors.New("coin is reserved")

	// ErrCoinSpent says that a coin is spent, in a block or by an unconfirmed
	// transaction. Take another one.
	ErrCoinSpent = errors.New("coin is spent")

	// ErrImmature says that consensus does not let the coin be spent in the next
	// block. Wait.
	ErrImmature = errors.New("coin is immature")

	// ErrConflicted says that the unconfirmed transaction that makes the coin has
	// been replaced by another one. Take another coin.
	ErrConflicted = errors.New("coin's transaction is replaced by another one")

	// ErrScanning says that the past of a coin's script, or of a source, is still
	// being read, so that the coin may turn out to be spent, or the source's next
	// script used. Wait for the job.
	ErrScanning = errors.New("the past is still being read")

	// ErrToken says that a token does not fit: its reservation has ended, is
	// another owner's, or does not hold the coins. Whoever acts on it must not
	// go on; reserve anew.
	ErrToken = errors.New("token of a reservation does not hold")

	// ErrNoReservation says that there is nothing to release: no reservation in
	// force has that token, or holds that coin.
	ErrNoReservation = errors.New("no such reservation")

	// ErrTooManyReserved says that [MaxReserved] coins are reserved. Release some.
	ErrTooManyReserved = errors.New("too many coins are reserved")

	// ErrResetting says that the index is being rebuilt: what it holds is no
	// index. Wait until it has blocks again. Where the rebuild failed, open the
	// index again, or rebuild it again: it goes on.
	ErrResetting = errors.New("index is being rebuilt")

	// ErrNoDeriver says that the index holds descriptors, or is given one, and was
	// opened without what reads them.
	ErrNoDeriver = errors.New("no deriver for descriptors")

	// ErrSource says that a source is beyond a limit: its gap, its number of
	// branches or its text. Watch less of it at once.
	ErrSource = errors.New("source beyond a limit")

	// ErrNoSource says that there is no source with that number, or that it has
	// no such branch.
	ErrNoSource = errors.New("no such source")

	// ErrExhausted says that every script of a branch was used or given out.
	ErrExhausted = errors.New("every script is used")

	// ErrDerived says that a script cannot be taken out of the watch set by
	// itself, because a source derives it.
	ErrDerived = errors.New("script is derived from a source")

	// ErrClosed says that the index was closed.
	ErrClosed = errors.New("index is closed")

	// ErrStop ends a [Reader.Scan] early, without an error.
	ErrStop = errors.New("stop")
)

func isNotWatched(err error) bool { return errors.Is(err, ErrNotWatched) }
