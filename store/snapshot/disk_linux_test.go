package snapshot

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"coffer.example/coffer/internal/need"
)

// TestFullDisk writes a snapshot to a disk that is too small: that is told as what it is, and nothing is left.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=4m"); err != nil {
		need.Missing(t, "mount a small disk: %v; it takes root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	w, err := Create(filepath.Join(disk, "saved"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Rows("a.rows", func(each func(key, value []byte) error) error {
		value := make([]byte, frameSize)
		for n := range byte(8) {
			if err := each([]byte{n}, value); err != nil {
				return err
			}
		}
		return nil
	})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("8 MB on a disk of 4: %v", err)
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(disk); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	written(t, filepath.Join(disk, "saved"))
}
