package badgerkv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dgraph-io/badger/v4"
)

// recoverFolder makes a folder that a killed process left behind ready to be
// opened, and looks at its tables. It does nothing to a folder that another
// process has open: Badger holds the same lock, and will say so.
func recoverFolder(folder string, opts badger.Options) error {
	dir, err := os.Open(folder)
	if err != nil {
		return explain(err)
	}
	defer dir.Close() // which gives the lock back
	err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if err := removeEmptyLogs(folder); err != nil {
		return err
	}
	return checkTables(folder, opts)
}

// removeEmptyLogs removes logs without a byte in them. Badger makes a log in
// two steps, an empty file and its length, and deletes it in two, its length
// and the file; it does not open one that a process was killed over.
func removeEmptyLogs(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return explain(err)
	}
	for _, entry := range entries {
		if ext := filepath.Ext(entry.Name()); ext != ".mem" && ext != ".vlog" {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return explain(err)
		}
		if info.Size() > 0 {
			continue
		}
		if err := os.Remove(filepath.Join(folder, entry.Name())); err != nil {
			return explain(err)
		}
	}
	return nil
}

// checkTables looks at the end of every table that the manifest names, where
// Badger keeps the lengths of its index and checksum: a table cut short or
// overwritten makes Badger panic in a goroutine of its own, which nothing can
// recover from. What the lengths lead to is verified by Badger's checksums.
// A table that the manifest does not name was being written when the process
// was killed; its rows are in a log still, and Badger removes it unread.
func checkTables(folder string, opts badger.Options) error {
	tables, err := manifestTables(folder, opts)
	if err != nil {
		return err
	}
	for id := range tables {
		name := fmt.Sprintf("%06d.sst", id)
		if err := checkTable(filepath.Join(folder, name)); err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
	}
	return nil
}

// manifestTables returns the tables that belong to the store, none for a new
// one. A manifest that cannot be read is for Badger to complain of.
func manifestTables(folder string, opts badger.Options) (map[uint64]badger.TableManifest, error) {
	file, err := os.Open(filepath.Join(folder, badger.ManifestFilename))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(err)
	}
	defer file.Close()
	manifest, _, err := badger.ReplayManifestFile(file, opts.ExternalMagicVersion, opts)
	if err != nil {
		return nil, nil
	}
	return manifest.Tables, nil
}

// checkTable follows the lengths at a table's end:
//
//	blocks, index, index length 4, checksum, checksum length 4
func checkTable(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return explain(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return explain(err)
	}
	rest := info.Size()
	for range 2 {
		var length [4]byte
		if rest -= 4; rest < 0 {
			return ErrCorrupt
		}
		if _, err := file.ReadAt(length[:], rest); err != nil {
			return explain(err)
		}
		if rest -= int64(binary.BigEndian.Uint32(length[:])); rest < 0 {
			return ErrCorrupt
		}
	}
	return nil
}
