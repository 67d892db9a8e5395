package badgerkv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dgraph-io/badger/v4"
)

// garbage is the part of a value-log file that nothing refers to any more from
// which on it is written anew.
const garbage = 0.5

// Compact implements [utxo.Store]: it merges the tables down, which drops rows
// that were deleted or written again, and collects the value log. The store is
// used meanwhile. It needs as much free space as the tables take.
func (s *Store) Compact(ctx context.Context) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	if err := s.db.Flatten(1); err != nil {
		return fmt.Errorf("compact: %w", explain(err))
	}
	_, err := s.collect(ctx)
	return err
}

// Collect implements [utxo.Store]: it writes those files of the value log anew of which half is garbage,
// and returns how many that were. It looks at the most promising one only where
// none is.
func (s *Store) Collect(ctx context.Context) (files int, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return 0, err
	}
	return s.collect(ctx)
}

func (s *Store) collect(ctx context.Context) (files int, err error) {
	for ; ; files++ {
		if err := ctx.Err(); err != nil {
			return files, err
		}
		err := s.db.RunValueLogGC(garbage)
		switch {
		case errors.Is(err, badger.ErrNoRewrite), errors.Is(err, badger.ErrRejected):
			return files, nil // nothing to win, or another collection runs
		case err != nil:
			return files, fmt.Errorf("collect the value log: %w", explain(err))
		}
	}
}

// Size returns the bytes that the folder's files take on the disk.
func (s *Store) Size() (bytes int64, err error) { return FolderSize(s.folder) }

// FolderSize returns the bytes that the files of a folder take on the disk:
// Badger's logs are sparse.
func FolderSize(folder string) (bytes int64, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return 0, fmt.Errorf("size of index folder: %w", err)
	}
	for _, entry := range entries {
		info, err := os.Stat(filepath.Join(folder, entry.Name()))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("size of index folder: %w", err)
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			bytes += stat.Blocks * 512
		}
	}
	return bytes, nil
}

// Hold keeps others from opening a folder until release is called. It fails with
// [ErrLocked] where one has it open.
func Hold(folder string) (release func(), err error) {
	dir, err := os.Open(folder)
	if err != nil {
		return nil, fmt.Errorf("index folder: %w", explain(err))
	}
	err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrLocked
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("index folder %s: %w", folder, err), dir.Close())
	}
	return func() { _ = dir.Close() }, nil // closing gives the lock back
}
