package coins

import "errors"

// Errors that cross the seam between scanner and sink.
var (
	// ErrNoHeader says that the index no longer remembers a header that far
	// below its tip.
	ErrNoHeader = errors.New("header is beyond the stored chain")

	// ErrReorgDepth says that a branch leaves the chain deeper than undo is
	// stored. Rebuild the index, or raise max_reorg before the next such event.
	ErrReorgDepth = errors.New("reorg is deeper than the stored undo")

	// ErrNotNext says that a block is not the next one above the index's tip.
	ErrNotNext = errors.New("block does not connect to the index's tip")
)
