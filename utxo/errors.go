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

	// ErrCursor says that a page cursor did not come from the query it is given
	// to. Begin again without one.
	ErrCursor = errors.New("not a cursor of this query")

	// ErrSequence says that a change number lies beyond the end of the log: the
	// cursor belongs to another index id. Resynchronise.
	ErrSequence = errors.New("sequence lies beyond the change log")

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

	// ErrClosed says that the index was closed.
	ErrClosed = errors.New("index is closed")

	// ErrStop ends a [Reader.Scan] early, without an error.
	ErrStop = errors.New("stop")
)

func isNotWatched(err error) bool { return errors.Is(err, ErrNotWatched) }
