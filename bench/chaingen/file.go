package chaingen

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
)

// maxFrame bounds a block in a chain file: no coin here has larger ones.
const maxFrame = 8 << 20

func magic() [4]byte { return [4]byte{0xfa, 0xbf, 0xb5, 0xda} }

// WriteBlock appends a raw block to a chain file.
func WriteBlock(w io.Writer, raw []byte) error {
	m := magic()
	head := binary.LittleEndian.AppendUint32(m[:], uint32(len(raw)))
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(raw)
	return err
}

// ReadBlocks yields the raw blocks of a chain file in order, each in bytes of its own. A fault of the file or the reader
// is yielded once, wrapped in ErrFrame where the file is to blame, and ends the sequence.
func ReadBlocks(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for number := 0; ; number++ {
			raw, err := readFrame(r)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("block %d: %w", number, err))
				return
			}
			if !yield(raw, nil) {
				return
			}
		}
	}
}

// readFrame returns io.EOF only where a frame could begin.
func readFrame(r io.Reader) ([]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, short(err)
	}
	if m := magic(); [4]byte(head[:4]) != m {
		return nil, fmt.Errorf("%w: starts with %x, want %x", ErrFrame, head[:4], m)
	}
	size := binary.LittleEndian.Uint32(head[4:])
	if size < headerSize || size > maxFrame {
		return nil, fmt.Errorf("%w: %d bytes", ErrFrame, size)
	}
	raw := make([]byte, size)
	if _, err := io.ReadFull(r, raw); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, short(err)
	}
	return raw, nil
}

func short(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: cut short", ErrFrame)
	}
	return err
}
