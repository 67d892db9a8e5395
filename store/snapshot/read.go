package snapshot

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Snapshot is one to read.
type Snapshot struct {
	Manifest *Manifest
	dir      string
}

// Open reads a snapshot's manifest. It fails with [ErrNone], [ErrDamaged] or
// [ErrNewer].
func Open(dir string) (*Snapshot, error) {
	manifest, err := readManifest(dir)
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", dir, err)
	}
	return &Snapshot{Manifest: manifest, dir: dir}, nil
}

// read gives a part's bytes to take, and holds them to the manifest once they
// have been taken.
func (s *Snapshot) read(ctx context.Context, part Part, take func(io.Reader) error) (err error) {
	file, err := os.Open(filepath.Join(s.dir, part.Name))
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("it is missing: %w", ErrDamaged)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("snapshot %s, part %s: %w", s.dir, part.Name, err)
		}
	}()
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != part.Bytes {
		return fmt.Errorf("%d bytes, %d were written: %w", info.Size(), part.Bytes, ErrDamaged)
	}
	sum := sha256.New()
	in := io.TeeReader(reader{bufio.NewReaderSize(file, frameSize), ctx.Err}, sum)
	if err := take(in); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != part.SHA256 {
		return fmt.Errorf("its checksum is another: %w", ErrDamaged)
	}
	return nil
}

// Rows calls each with every row of a part. What each was given counts only once
// Rows has returned nil. It fails with [ErrDamaged], [ErrNewer] and what each
// returns.
func (s *Snapshot) Rows(ctx context.Context, part Part, each func(key, value []byte) error) error {
	return s.read(ctx, part, func(in io.Reader) error {
		rows, err := readRows(in, each)
		if err == nil && rows != part.Rows {
			err = fmt.Errorf("%d rows, %d were written: %w", rows, part.Rows, ErrDamaged)
		}
		return err
	})
}

// CopyTo writes a part to a new file, synced. Where it fails the file is
// removed.
func (s *Snapshot) CopyTo(ctx context.Context, part Part, path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("copy %s: %w", part.Name, err)
	}
	err = s.read(ctx, part, func(in io.Reader) error {
		_, err := io.Copy(file, in)
		return err
	})
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
