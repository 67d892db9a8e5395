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
	"syscall"
)

// partialSuffix ends the name of a folder that is being written.
const partialSuffix = ".partial"

// Writer writes one snapshot.
type Writer struct {
	dir, side string
	lock      *os.File
}

// Create begins a snapshot that will be in the folder dir, which must not exist,
// or be empty. It fails with [ErrExists] or [ErrBusy]. End it with Commit or
// Abort.
func Create(dir string) (*Writer, error) {
	w := &Writer{dir: filepath.Clean(dir), side: filepath.Clean(dir) + partialSuffix}
	if err := w.create(); err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", dir, err)
	}
	return w, nil
}

func (w *Writer) create() error {
	if err := w.vacant(); err != nil {
		return err
	}
	if err := os.MkdirAll(w.side, 0o700); err != nil {
		return err
	}
	lock, err := os.Open(w.side)
	if err != nil {
		return err
	}
	w.lock = lock
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrBusy
	}
	if err == nil {
		err = w.empty()
	}
	if err != nil {
		return errors.Join(err, lock.Close())
	}
	return nil
}

// vacant makes sure that nothing is in the way of the folder's name.
func (w *Writer) vacant() error {
	entries, err := os.ReadDir(w.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, syscall.ENOTDIR), err == nil && len(entries) > 0:
		return ErrExists
	}
	return err
}

// empty removes what one left behind that was killed.
func (w *Writer) empty() error {
	entries, err := os.ReadDir(w.side)
	for _, entry := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(w.side, entry.Name())))
	}
	return err
}

// part writes and syncs a file, and says what is in it.
func (w *Writer) part(name string, kind Kind, fill func(io.Writer) error) (part Part, err error) {
	file, err := os.OpenFile(filepath.Join(w.side, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return part, fmt.Errorf("part %s: %w", name, err)
	}
	defer func() {
		if err = errors.Join(err, file.Close()); err != nil {
			err = fmt.Errorf("part %s: %w", name, err)
		}
	}()
	sum := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(file, sum), frameSize)
	if err := fill(out); err != nil {
		return part, err
	}
	if err := errors.Join(out.Flush(), file.Sync()); err != nil {
		return part, err
	}
	info, err := file.Stat()
	if err != nil {
		return part, err
	}
	return Part{Name: name, Kind: kind, Bytes: info.Size(), SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// Rows writes a part of rows: fill gives each, in the order of their keys.
func (w *Writer) Rows(name string, fill func(each func(key, value []byte) error) error) (Part, error) {
	var rows uint64
	part, err := w.part(name, KindRows, func(out io.Writer) error {
		stream, err := newRowsWriter(out)
		if err == nil {
			err = fill(stream.row)
		}
		if err == nil {
			err = stream.end()
		}
		if err == nil {
			rows = stream.rows
		}
		return err
	})
	part.Rows = rows
	return part, err
}

// Copy writes a part that is a file as it is now.
func (w *Writer) Copy(ctx context.Context, name string, kind Kind, path string) (Part, error) {
	file, err := os.Open(path)
	if err != nil {
		return Part{}, fmt.Errorf("part %s: %w", name, err)
	}
	defer file.Close()
	return w.part(name, kind, func(out io.Writer) error {
		_, err := io.Copy(out, reader{file, ctx.Err})
		return err
	})
}

// reader gives up when the caller does.
type reader struct {
	io.Reader
	interrupted func() error
}

func (r reader) Read(b []byte) (int, error) {
	if err := r.interrupted(); err != nil {
		return 0, err
	}
	return r.Reader.Read(b)
}

// Commit writes the manifest and gives the folder its name: durable when it
// returns.
func (w *Writer) Commit(m *Manifest) error {
	m.Format = Format
	text, err := m.encode()
	if err == nil {
		err = m.check()
	}
	if err == nil {
		_, err = w.part(manifestName, "", func(out io.Writer) error {
			_, err := out.Write(text)
			return err
		})
	}
	if err == nil {
		err = w.lock.Sync()
	}
	if err == nil {
		err = w.vacant()
	}
	if err == nil {
		if err = os.Remove(w.dir); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		err = os.Rename(w.side, w.dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("snapshot %s: %w", w.dir, err), w.Abort())
	}
	return errors.Join(w.lock.Close(), syncFolder(filepath.Dir(w.dir)))
}

// Abort removes what was written.
func (w *Writer) Abort() error {
	err := os.RemoveAll(w.side)
	return errors.Join(err, w.lock.Close())
}

func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
