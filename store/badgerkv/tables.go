package badgerkv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// checkTables looks at the end of every table file, where Badger keeps the
// lengths of its index and checksum: a table cut short or overwritten makes
// Badger panic in a goroutine of its own, which nothing can recover from. What
// the lengths lead to is verified by Badger's checksums.
func checkTables(folder string) error {
	paths, err := filepath.Glob(filepath.Join(folder, "*.sst"))
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	for _, path := range paths {
		if err := checkTable(path); err != nil {
			return fmt.Errorf("table %s: %w", filepath.Base(path), err)
		}
	}
	return nil
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
