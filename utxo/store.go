package utxo

import "context"

// Store is an ordered, transactional map of byte strings: all that the index
// asks of a database. Keys are compared byte by byte. store/badgerkv has the
// one that ships; store/storetest holds every implementation to this text.
type Store interface {
	// View runs read on one consistent snapshot.
	View(ctx context.Context, read func(Reader) error) error

	// Update runs write in one transaction. When it returns nil everything
	// written is durable, whatever happens to the process or the machine; when
	// it returns an error nothing is. There is one writer at a time.
	Update(ctx context.Context, write func(Writer) error) error

	// MaxRows is the number of rows one Update may write.
	MaxRows() int

	// Compact gives back space that deleted and overwritten rows hold.
	Compact(ctx context.Context) error

	// Collect is a small Compact, for now and then: it gives back what is cheap
	// to, and returns how many files it has written anew.
	Collect(ctx context.Context) (files int, err error)

	// Close flushes and releases the folder.
	Close() error
}

// Reader reads a snapshot, or within an Update what it has written so far.
type Reader interface {
	// Get appends the row's value to dst and returns it, and false where there
	// is no such row.
	Get(key, dst []byte) (value []byte, found bool, err error)

	// Scan calls each with every row of which the key starts with prefix and is
	// not before from (nil: the first), in order; backwards in reverse order from
	// the last key not after from (nil: the last). Key and value are valid
	// during the call only. It ends early, with nil, when each returns ErrStop.
	Scan(prefix, from []byte, backwards bool, each func(key, value []byte) error) error
}

// Writer writes in an Update. Keys and values are not to be changed until
// Update returns.
type Writer interface {
	Reader
	Set(key, value []byte) error
	Delete(key []byte) error
}
