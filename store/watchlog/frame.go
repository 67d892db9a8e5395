package watchlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"coffer.example/coffer/coins"
)

// Format is the version of the file's layout, drawn in the package's text.
const Format = 1

// ID names one writing of the file.
type ID [16]byte

const (
	magic     = "coffer watch log"
	headFixed = len(magic) + 4 + len(ID{}) + coins.HashSize
	// maxHead bounds a head: symbol and network are short words.
	maxHead   = headFixed + 256
	frameSize = 4 + 4 + 4
)

// frameMark begins every record, so that whole records are found behind a
// damaged one.
func frameMark() []byte { return []byte{0xc0, 0xff, 0xe5, 0x0a} }

func checksum(parts ...[]byte) uint32 {
	table, sum := crc32.MakeTable(crc32.Castagnoli), uint32(0)
	for _, part := range parts {
		sum = crc32.Update(sum, table, part)
	}
	return sum
}

// head is the file's first bytes.
type head struct {
	id      ID
	genesis coins.BlockHash
	symbol  coins.Symbol
	network coins.Network
}

func (h head) encode() []byte {
	b := binary.BigEndian.AppendUint32([]byte(magic), Format)
	b = append(append(b, h.id[:]...), h.genesis[:]...)
	b = appendText(appendText(b, string(h.symbol)), string(h.network))
	return binary.BigEndian.AppendUint32(b, checksum(b))
}

// decodeHead reads the format first: what follows may be anything in a newer
// one. It returns the length of the head.
func decodeHead(b []byte) (h head, length int64, err error) {
	if len(b) < headFixed || string(b[:len(magic)]) != magic {
		return h, 0, fmt.Errorf("it does not begin as one does: %w", ErrDamaged)
	}
	if format := binary.BigEndian.Uint32(b[len(magic):]); format > Format {
		return h, 0, fmt.Errorf("format %d, this version reads %d: %w", format, Format, ErrNewer)
	}
	d := decoder{rest: b[len(magic)+4:]}
	copy(h.id[:], d.take(len(h.id)))
	copy(h.genesis[:], d.take(coins.HashSize))
	h.symbol, h.network = coins.Symbol(d.text()), coins.Network(d.text())
	body := len(b) - len(d.rest)
	if sum := d.take(4); sum == nil || binary.BigEndian.Uint32(sum) != checksum(b[:body]) {
		return h, 0, fmt.Errorf("its head does not match its checksum: %w", ErrDamaged)
	}
	return h, int64(body + 4), nil
}

// matches says whether the log is of this coin and network.
func (h head) matches(p *coins.Params) error {
	if h.symbol != p.Symbol || h.network != p.Network || h.genesis != p.Chain.Genesis {
		return fmt.Errorf("log of %s %s (genesis %s) opened as %s %s (genesis %s): %w",
			h.symbol, h.network, h.genesis, p.Symbol, p.Network, p.Chain.Genesis, ErrForeign)
	}
	return nil
}

// encodeFrame makes a whole record of what a payload is to be.
func encodeFrame(r *Record, buf []byte) ([]byte, error) {
	b := append(append(buf[:0], frameMark()...), make([]byte, 8)...)
	b, err := r.append(b)
	if err != nil {
		return nil, err
	}
	length := len(b) - frameSize
	if length > MaxPayload {
		return nil, fmt.Errorf("record of %d bytes, at most %d: %w", length, MaxPayload, ErrRecord)
	}
	binary.BigEndian.PutUint32(b[4:], uint32(length))
	binary.BigEndian.PutUint32(b[8:], checksum(b[4:8], b[frameSize:]))
	return b, nil
}

// errNotWhole says that no whole record is where one was looked for.
var errNotWhole = errors.New("no whole record")

// readFrame reads the record at the front of in, of which so many bytes are
// left. The payload is in buf, or in a longer one that takes its place.
func readFrame(in io.Reader, left int64, buf []byte) (payload, grown []byte, err error) {
	var frame [frameSize]byte
	if left < frameSize {
		return nil, buf, errNotWhole
	}
	if _, err := io.ReadFull(in, frame[:]); err != nil {
		return nil, buf, err
	}
	length := int64(binary.BigEndian.Uint32(frame[4:]))
	if !bytes.Equal(frame[:4], frameMark()) || length > MaxPayload || length > left-frameSize {
		return nil, buf, errNotWhole
	}
	if int64(cap(buf)) < length {
		buf = make([]byte, length+length/2)
	}
	payload = buf[:length]
	if _, err := io.ReadFull(in, payload); err != nil {
		return nil, buf, err
	}
	if checksum(frame[4:8], payload) != binary.BigEndian.Uint32(frame[8:]) {
		return nil, buf, errNotWhole
	}
	return payload, buf, nil
}
