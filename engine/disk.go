package engine

import (
	"context"
	"fmt"
	"syscall"

	"coffer.example/coffer/utxo"
)

// diskReserve is the free space, in bytes, below which nothing is written any more. Badger writes its files through
// memory maps of sparse files, where a disk that is really full is no error but the end of the process (SIGBUS). So
// there must be room for what it may write before we are asked again: the log of one memtable (256 MiB) and the table
// that it is flushed to (256 MiB).
const diskReserve = 512 << 20

// roomyStore is a store that refuses to write when the disk is nearly full. Nothing is half written, and whoever wrote
// tries again: it heals when there is room.
type roomyStore struct {
	utxo.Store
	dir string
	// free tells the bytes that are free on the disk of a folder.
	free func(dir string) (uint64, error)
}

// Update checks for room first. It fails with [ErrDisk], which wraps ENOSPC as a full disk would.
func (s *roomyStore) Update(ctx context.Context, write func(utxo.Writer) error) error {
	if err := checkRoom(s.dir, s.free); err != nil {
		return err
	}
	return s.Store.Update(ctx, write)
}

func checkRoom(dir string, free func(string) (uint64, error)) error {
	bytes, err := free(dir)
	if err != nil {
		return fmt.Errorf("free space of %s: %w", dir, err)
	}
	if bytes < diskReserve {
		return fmt.Errorf("%d MB are free, and the index stops writing below %d MB: %w (%w)", bytes>>20, diskReserve>>20, ErrDisk, syscall.ENOSPC)
	}
	return nil
}

// freeSpace is what the system tells, for users that are not root.
func freeSpace(dir string) (uint64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, err
	}
	return uint64(disk.Bavail) * uint64(disk.Bsize), nil
}
