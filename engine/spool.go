package engine

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"coffer.example/coffer/utxo"
)

// spool is a file, without a name and gone with the process, of the scripts of lines that were checked: nothing is
// imported before the last of them, and there may be more than memory takes.
//
//	V script length, script, V label length, label, V metadata length, metadata
type spool struct {
	file  *os.File
	out   *bufio.Writer
	count int64
}

// newSpool makes one on the disk of a coin's index.
func newSpool(indexDir string) (*spool, error) {
	dir := filepath.Dir(indexDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	file, err := os.CreateTemp(dir, "import-*.tmp")
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("import: %w", err), file.Close())
	}
	return &spool{file: file, out: bufio.NewWriterSize(file, 1<<20)}, nil
}

func appendSpooled(b []byte, spec *utxo.WatchSpec) []byte {
	b = append(binary.AppendUvarint(b, uint64(len(spec.Script))), spec.Script...)
	b = append(binary.AppendUvarint(b, uint64(len(spec.Label))), spec.Label...)
	return append(binary.AppendUvarint(b, uint64(len(spec.Metadata))), spec.Metadata...)
}

// write adds specs that are encoded.
func (s *spool) write(encoded []byte, count int) error {
	s.count += int64(count)
	if _, err := s.out.Write(encoded); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

// read calls each with all that was written, in parts of at most watchStep. A part is valid during the call.
func (s *spool) read(each func([]utxo.WatchSpec) error) error {
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	in := bufio.NewReaderSize(s.file, 1<<20)
	part := make([]utxo.WatchSpec, 0, min(watchStep, s.count))
	for left := s.count; left > 0; {
		part = part[:0]
		size := 0
		for ; left > 0 && len(part) < watchStep && size < watchStepBytes; left-- {
			spec, err := readSpooled(in)
			if err != nil {
				return fmt.Errorf("import: %w", err)
			}
			size += len(spec.Script) + len(spec.Label) + len(spec.Metadata)
			part = append(part, spec)
		}
		if err := each(part); err != nil {
			return err
		}
	}
	return nil
}

func readSpooled(in *bufio.Reader) (spec utxo.WatchSpec, err error) {
	var fields [3][]byte
	for i := range fields {
		n, err := binary.ReadUvarint(in)
		if err != nil {
			return spec, err
		}
		if n > 0 {
			fields[i] = make([]byte, n)
			if _, err := io.ReadFull(in, fields[i]); err != nil {
				return spec, err
			}
		}
	}
	return utxo.WatchSpec{Script: fields[0], Label: string(fields[1]), Metadata: string(fields[2])}, nil
}

// close gives the disk back. The file has no name: nothing of it can be lost.
func (s *spool) close() { _ = s.file.Close() }
