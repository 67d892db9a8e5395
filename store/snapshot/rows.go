package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Sizes of frames.
const (
	// frameSize is when a frame is written.
	frameSize = 1 << 20
	// maxFrame is the longest payload: above what one transaction of the store
	// takes, 40 MB, and so above any row.
	maxFrame  = 64 << 20
	frameHead = 4 + 4
)

func rowsHead() []byte { return append([]byte("coffer rows"), Format, 0, 0, 0, 0) }

func checksum(length, payload []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(length, table), table, payload)
}

// rowsWriter writes rows in frames.
type rowsWriter struct {
	out   io.Writer
	frame []byte
	rows  uint64
}

func newRowsWriter(out io.Writer) (*rowsWriter, error) {
	_, err := out.Write(rowsHead())
	return &rowsWriter{out: out, frame: make([]byte, frameHead, frameSize+frameSize/4)}, err
}

// row adds one. Keys must ascend.
func (w *rowsWriter) row(key, value []byte) error {
	w.rows++
	w.frame = append(binary.AppendUvarint(w.frame, uint64(len(key))), key...)
	w.frame = append(binary.AppendUvarint(w.frame, uint64(len(value))), value...)
	if len(w.frame) < frameSize {
		return nil
	}
	return w.flush()
}

func (w *rowsWriter) flush() error {
	payload := w.frame[frameHead:]
	if len(payload) > maxFrame {
		return fmt.Errorf("a frame of %d bytes, the longest is %d: %w", len(payload), maxFrame, ErrDamaged)
	}
	binary.BigEndian.PutUint32(w.frame, uint32(len(payload)))
	binary.BigEndian.PutUint32(w.frame[4:], checksum(w.frame[:4], payload))
	_, err := w.out.Write(w.frame)
	w.frame = w.frame[:frameHead]
	return err
}

// end writes what is left, and the end.
func (w *rowsWriter) end() error {
	if len(w.frame) > frameHead {
		if err := w.flush(); err != nil {
			return err
		}
	}
	return w.flush()
}

// readRows calls each with every row of a stream, and returns how many there
// were. Key and value are valid during the call only. It fails with
// [ErrDamaged] or [ErrNewer], and with what each returns.
func readRows(in io.Reader, each func(key, value []byte) error) (rows uint64, err error) {
	head := make([]byte, len(rowsHead()))
	if _, err := io.ReadFull(in, head); err != nil {
		return 0, short(err)
	}
	if want := rowsHead(); !bytes.Equal(head, want) {
		if bytes.HasPrefix(head, want[:11]) && head[11] > Format {
			return 0, fmt.Errorf("rows of format %d, this version reads %d: %w", head[11], Format, ErrNewer)
		}
		return 0, fmt.Errorf("rows do not begin as such: %w", ErrDamaged)
	}
	r := rowsReader{in: in, each: each}
	for more := true; more; {
		if more, err = r.next(); err != nil {
			return r.rows, err
		}
	}
	if n, err := in.Read(make([]byte, 1)); n > 0 || err == nil {
		return r.rows, fmt.Errorf("rows go on after their end: %w", ErrDamaged)
	} else if !errors.Is(err, io.EOF) {
		return r.rows, err
	}
	return r.rows, nil
}

// rowsReader reads frames.
type rowsReader struct {
	in   io.Reader
	each func(key, value []byte) error
	// payload is the frame's; it grows as bytes come, not as a length promises.
	payload bytes.Buffer
	last    []byte
	rows    uint64
}

// short says of a read that ended early what that means.
func short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("rows end early: %w", ErrDamaged)
	}
	return err
}

// next reads a frame, and says whether there is another.
func (r *rowsReader) next() (more bool, err error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r.in, head[:]); err != nil {
		return false, short(err)
	}
	length := int64(binary.BigEndian.Uint32(head[:]))
	if length > maxFrame {
		return false, fmt.Errorf("a frame of %d bytes after %d rows: %w", length, r.rows, ErrDamaged)
	}
	r.payload.Reset()
	if _, err := io.CopyN(&r.payload, r.in, length); err != nil {
		return false, short(err)
	}
	if checksum(head[:4], r.payload.Bytes()) != binary.BigEndian.Uint32(head[4:]) {
		return false, fmt.Errorf("checksum of a frame after %d rows: %w", r.rows, ErrDamaged)
	}
	return length > 0, r.take(r.payload.Bytes())
}

func (r *rowsReader) take(payload []byte) error {
	for len(payload) > 0 {
		key, rest, ok := text(payload)
		value, rest, okValue := text(rest)
		if !ok || !okValue || bytes.Compare(key, r.last) <= 0 {
			return fmt.Errorf("row %d: %w", r.rows+1, ErrDamaged)
		}
		r.last = append(r.last[:0], key...)
		r.rows++
		if err := r.each(key, value); err != nil {
			return err
		}
		payload = rest
	}
	return nil
}

// text takes a length and as many bytes.
func text(b []byte) (taken, rest []byte, ok bool) {
	length, n := binary.Uvarint(b)
	if n <= 0 || length > uint64(len(b)-n) {
		return nil, nil, false
	}
	end := n + int(length)
	return b[n:end:end], b[end:], true
}
