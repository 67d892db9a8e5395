package badgerkv

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"coffer.example/coffer/utxo"
	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

var _ utxo.Store = (*Store)(nil)

// Options tune a store. The zero value is what ships.
type Options struct {
	// MemTable is the size of one memtable in bytes, which bounds a transaction;
	// 0 is [DefaultMemTable].
	MemTable int64
	// Rows is how many rows one transaction must take; 0 is those of the worst
	// block of the watched index, utxo.WorstRows(utxo.MaxBase).
	Rows int
	// LevelBase is the size in bytes from which the first sorted level is merged
	// into the next; 0 is Badger's own, 10 MiB. Where much is written in bulk a
	// larger one saves writing the same rows again and again.
	LevelBase int64
	// ReadOnly opens a folder that holds an index already without writing
	// anything: for a disk that is full. It fails with [ErrUnclean] after a
	// process was killed, and Update with [ErrReadOnly].
	ReadOnly bool
	// Warn is called with what Badger warns of; nil drops it.
	Warn func(message string)
}

// Sizes, each beside what it must hold.
const (
	// DefaultMemTable takes 419,430 rows and 40 MB a transaction: above
	// utxo.WorstRows(utxo.MaxBase) = 399,189 rows of at most about 90 bytes.
	DefaultMemTable = 256 << 20
	memTables       = 2
	blockCache      = 64 << 20
	indexCache      = 64 << 20
	// valueThreshold is the length from which on a value lies in the value log:
	// merging tables does not write it again. A file of that log holds as much as
	// a memtable, several of the largest transactions; the last is not collected.
	valueThreshold = 1 << 20
	// bulkCompactors merge tables at once where much is written in bulk: each holds
	// the tables it makes in memory.
	bulkCompactors = 2
	// worstRowBytes is a row's size on average in the worst block: keys of 9 to
	// 18 bytes, values of 9 to 36, and Badger's overhead.
	worstRowBytes = 90
)

// Store is an index's rows in a folder of Badger files.
type Store struct {
	db      *badger.DB
	writing sync.Mutex
	maxRows int
	folder  string

	mu     sync.RWMutex
	closed bool
}

// Open opens the folder, or creates it. It fails with [ErrLocked],
// [ErrCorrupt], [ErrDiskFull], or [utxo.ErrTooManyRows] where a transaction
// could not hold the worst block.
func Open(folder string, opts Options) (*Store, error) {
	if opts.MemTable == 0 {
		opts.MemTable = DefaultMemTable
	}
	if err := os.MkdirAll(folder, 0o700); err != nil && !opts.ReadOnly {
		return nil, fmt.Errorf("index folder: %w", explain(err))
	}
	tuned := badger.DefaultOptions(folder).
		WithSyncWrites(true).
		WithDetectConflicts(false).
		WithMemTableSize(opts.MemTable).
		WithNumMemtables(memTables).
		WithValueThreshold(valueThreshold).
		WithValueLogFileSize(opts.MemTable).
		WithBlockCacheSize(blockCache).
		WithIndexCacheSize(indexCache).
		WithNumVersionsToKeep(1).
		WithChecksumVerificationMode(options.OnBlockRead).
		WithMetricsEnabled(false).
		WithReadOnly(opts.ReadOnly).
		WithLogger(logger{opts.Warn})
	if opts.LevelBase != 0 {
		tuned = tuned.WithBaseLevelSize(opts.LevelBase).WithNumCompactors(bulkCompactors)
	}
	if err := recoverFolder(folder, tuned); err != nil {
		return nil, fmt.Errorf("open index folder %s: %w", folder, err)
	}
	if logs, err := filepath.Glob(filepath.Join(folder, "*.mem")); opts.ReadOnly && (err != nil || len(logs) > 0) {
		return nil, fmt.Errorf("open index folder %s: %w", folder, errors.Join(ErrUnclean, err))
	}
	db, err := badger.Open(tuned)
	if err != nil {
		return nil, fmt.Errorf("open index folder %s: %w", folder, explainOpen(err))
	}
	s := &Store{db: db, folder: folder, maxRows: maxRows(db.MaxBatchCount(), db.MaxBatchSize())}
	if worst := cmp.Or(opts.Rows, utxo.WorstRows(utxo.MaxBase)); s.maxRows < worst {
		err := fmt.Errorf("memtable of %d bytes takes %d rows, a block can make %d: %w", opts.MemTable, s.maxRows, worst, utxo.ErrTooManyRows)
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// maxRows is the smaller of Badger's limits by entries and by bytes, less what
// Badger adds to a transaction by itself.
func maxRows(entries, size int64) int { return int(min(entries, size/worstRowBytes)) - 16 }

// View implements [utxo.Store].
func (s *Store) View(ctx context.Context, read func(utxo.Reader) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	return explain(s.db.View(func(t *badger.Txn) error { return read(txn{t}) }))
}

// Update implements [utxo.Store].
func (s *Store) Update(ctx context.Context, write func(utxo.Writer) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	return explain(s.db.Update(func(t *badger.Txn) error { return write(txn{t}) }))
}

func (s *Store) usable(ctx context.Context) error {
	if s.closed {
		return ErrClosed
	}
	return ctx.Err()
}

// MaxRows implements [utxo.Store].
func (s *Store) MaxRows() int { return s.maxRows }

// Close implements [utxo.Store]. It waits for transactions to end.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close index folder %s: %w", s.folder, explain(err))
	}
	return nil
}

// explain gives Badger's and the system's errors the names of this package.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	case errors.Is(err, badger.ErrReadOnlyTxn), errors.Is(err, badger.ErrGCInReadOnlyMode):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	case errors.Is(err, badger.ErrTxnTooBig):
		return fmt.Errorf("%w: %w", utxo.ErrTooManyRows, err)
	case errors.Is(err, badger.ErrDBClosed), errors.Is(err, badger.ErrBlockedWrites):
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return err
}

// explainOpen is explain for errors of opening: Badger has no types for most.
func explainOpen(err error) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "Cannot acquire directory lock"):
		return fmt.Errorf("%w: %w", ErrLocked, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return explain(err)
	case errors.Is(err, os.ErrPermission):
		return err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}
