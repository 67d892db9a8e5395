package node

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ZMTP 3.0 (rfc.zeromq.org/spec/23), as much of it as a subscriber needs:
//
//	greeting  FF 00×8 7F, version 2, mechanism 20, as-server 1, filler 31
//	frame     flags 1, size 1 (or 8 big endian when long), body
//	command   a frame with flag 4: name length 1, name, data
//	message   frames with flag 1 (more) but the last
//
// A subscription is a message of 01 and the topic's start; 00 takes it back.
const (
	zmtpGreeting  = 64
	zmtpMore      = 1
	zmtpLong      = 2
	zmtpCommand   = 4
	zmtpMaxParts  = 16
	zmtpMaxHeader = 4 << 10 // a command, a topic or a sequence number
)

// appendGreeting appends ours: version 3.0, mechanism NULL, not a server.
func appendGreeting(dst []byte) []byte {
	greeting := make([]byte, zmtpGreeting)
	greeting[0], greeting[9] = 0xff, 0x7f
	greeting[10] = 3
	copy(greeting[12:], "NULL")
	return append(dst, greeting...)
}

func checkGreeting(b []byte) error {
	switch {
	case b[0] != 0xff || b[9]&1 != 1:
		return fmt.Errorf("zmq: not a ZMQ endpoint: %w", ErrGarbage)
	case b[10] < 3:
		return fmt.Errorf("zmq: protocol version %d, needed is 3: %w", b[10], ErrGarbage)
	case string(b[12:17]) != "NULL\x00":
		return fmt.Errorf("zmq: security mechanism %q, needed is NULL: %w", clip(string(b[12:32])), ErrGarbage)
	}
	return nil
}

// appendZMTP appends a frame of less than 256 bytes.
func appendZMTP(dst []byte, flags byte, body string) []byte {
	return append(append(dst, flags, byte(len(body))), body...)
}

// appendReady appends the command that ends the NULL handshake.
func appendReady(dst []byte) []byte {
	return appendZMTP(dst, zmtpCommand, "\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB")
}

// zmtpHead is the head of a frame.
type zmtpHead struct {
	flags byte
	size  int
}

// readZMTPHead reads a frame's head. It fails with ErrGarbage on reserved
// flags and with ErrTooLarge beyond MaxFrame.
func readZMTPHead(r *bufio.Reader) (zmtpHead, error) {
	flags, err := r.ReadByte()
	if err != nil {
		return zmtpHead{}, err
	}
	if flags&^(zmtpMore|zmtpLong|zmtpCommand) != 0 || flags&(zmtpCommand|zmtpMore) == zmtpCommand|zmtpMore {
		return zmtpHead{}, fmt.Errorf("zmq: frame flags %#x: %w", flags, ErrGarbage)
	}
	width := 1
	if flags&zmtpLong != 0 {
		width = 8
	}
	var size [8]byte
	if _, err := io.ReadFull(r, size[8-width:]); err != nil {
		return zmtpHead{}, cutShort(err)
	}
	n := binary.BigEndian.Uint64(size[:])
	if n > MaxFrame {
		return zmtpHead{}, fmt.Errorf("zmq: frame of %d bytes: %w", n, ErrTooLarge)
	}
	return zmtpHead{flags: flags, size: int(n)}, nil
}

// zmtpMessage is a message of a node: topic, body, number. The body is only
// kept where wanted.
type zmtpMessage struct {
	topic  string
	body   []byte
	number uint32
}

// readZMTPMessage reads messages until one of the form that nodes publish is
// complete; commands before it go to command. wanted says of a topic whether
// its body is of interest; others are passed over, which spares their memory.
func readZMTPMessage(r *bufio.Reader, wanted func(topic string) bool, command func(body []byte) error) (zmtpMessage, error) {
	var m zmtpMessage
	var part []byte
	for i := 0; ; {
		h, err := readZMTPHead(r)
		if err != nil {
			return m, err
		}
		if h.flags&zmtpCommand != 0 {
			body, err := zmtpBody(r, h.size, zmtpMaxHeader)
			if err == nil {
				err = command(body)
			}
			if err != nil {
				return m, err
			}
			continue
		}
		more := h.flags&zmtpMore != 0
		switch {
		case i == 1 && !wanted(m.topic):
			_, err = r.Discard(h.size)
		case i == 1:
			m.body, err = zmtpBody(r, h.size, MaxFrame)
		default:
			part, err = zmtpBody(r, h.size, zmtpMaxHeader)
		}
		if err != nil {
			return m, cutShort(err)
		}
		if i == 0 {
			m.topic = string(part)
		}
		if i++; !more {
			return m, m.end(i, part)
		}
		if i == zmtpMaxParts {
			return m, fmt.Errorf("zmq: message of more than %d parts: %w", zmtpMaxParts, ErrTooLarge)
		}
	}
}

// end takes the number out of the last part.
func (m *zmtpMessage) end(parts int, last []byte) error {
	if parts != 3 || len(last) != 4 {
		return fmt.Errorf("zmq: message %q of %d parts is not a node's: %w", clip(m.topic), parts, ErrGarbage)
	}
	m.number = binary.LittleEndian.Uint32(last)
	return nil
}

// zmtpBody reads a body in steps, so that a size that is only claimed costs
// nothing.
func zmtpBody(r *bufio.Reader, size, limit int) ([]byte, error) {
	if size > limit {
		return nil, fmt.Errorf("zmq: frame of %d bytes, limit %d: %w", size, limit, ErrTooLarge)
	}
	const step = 1 << 20
	body := make([]byte, 0, min(size, step))
	for len(body) < size {
		from := len(body)
		body = slices.Grow(body, min(size-from, step))[:from+min(size-from, step)]
		if _, err := io.ReadFull(r, body[from:]); err != nil {
			return nil, cutShort(err)
		}
	}
	return body, nil
}

// pongFor answers a heartbeat (ZMTP 3.1): a ping's body is its name, a time to
// live of two bytes, and a context that the pong returns. False for other
// commands.
func pongFor(command []byte) (pong []byte, ok bool) {
	rest, ok := strings.CutPrefix(string(command), "\x04PING")
	if !ok || len(rest) < 2 || len(rest)-2 > 16 {
		return nil, false
	}
	return appendZMTP(nil, zmtpCommand, "\x04PONG"+rest[2:]), true
}
