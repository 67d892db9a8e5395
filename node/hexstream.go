package node

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// streamBuffer is how much of a hexadecimal answer is looked at at once.
const streamBuffer = 64 << 10

// maxSideValue bounds what stands beside the result in an answer, in bytes.
const maxSideValue = 64 << 10

// readHexAnswer reads one JSON-RPC answer whose result is a string of
// hexadecimal digits and decodes them, as they come, into buf's memory. Its
// members may stand in any order. What it returns as result is nil: the bytes
// are in raw. At most limit bytes are decoded.
//
// It exists because encoding/json would hold a block three times: as text, as
// unquoted string, and decoded.
func readHexAnswer(r *bufio.Reader, buf []byte, limit int) (raw []byte, a answer, err error) {
	raw = buf[:0]
	if err := expect(r, '{'); err != nil {
		return raw, a, err
	}
	for {
		name, err := memberName(r)
		if err != nil {
			return raw, a, err
		}
		if name == "result" {
			raw, err = resultValue(r, raw[:0], limit)
		} else {
			err = sideValue(r, name, &a)
		}
		if err != nil {
			return raw, a, err
		}
		switch c, err := nextToken(r); {
		case err != nil:
			return raw, a, err
		case c == '}':
			return raw, a, nil
		case c != ',':
			return raw, a, fmt.Errorf("after member %q: %w", clip(name), ErrGarbage)
		}
	}
}

// resultValue reads a string of hexadecimal digits, or null.
func resultValue(r *bufio.Reader, raw []byte, limit int) ([]byte, error) {
	c, err := nextToken(r)
	if err != nil {
		return raw, err
	}
	if c == '"' {
		return hexString(r, raw, limit)
	}
	if c == 'n' {
		var rest [3]byte
		if _, err := io.ReadFull(r, rest[:]); err != nil {
			return raw, cutShort(err)
		}
		if string(rest[:]) == "ull" {
			return raw, nil
		}
	}
	return raw, fmt.Errorf("result is not hexadecimal: %w", ErrGarbage)
}

// hexString decodes digits up to the closing quote.
func hexString(r *bufio.Reader, raw []byte, limit int) ([]byte, error) {
	for {
		chunk, err := r.Peek(max(2, r.Buffered()))
		if len(chunk) > 0 && chunk[0] == '"' {
			_, err = r.Discard(1)
			return raw, err
		}
		if err != nil {
			return raw, cutShort(err)
		}
		if end := bytes.IndexByte(chunk, '"'); end >= 0 {
			chunk = chunk[:end]
			if end%2 == 1 {
				return raw, fmt.Errorf("result has an odd number of digits: %w", ErrGarbage)
			}
		}
		digits := len(chunk) &^ 1
		if len(raw)+digits/2 > limit {
			return raw, fmt.Errorf("result of more than %d bytes: %w", limit, ErrTooLarge)
		}
		raw = slices.Grow(raw, digits/2)
		n, err := hex.Decode(raw[len(raw):len(raw)+digits/2], chunk[:digits])
		raw = raw[:len(raw)+n]
		if err != nil {
			return raw, fmt.Errorf("result is not hexadecimal: %w", ErrGarbage)
		}
		if _, err := r.Discard(digits); err != nil {
			return raw, err
		}
	}
}

// sideValue keeps what stands beside the result: the error and the id.
func sideValue(r *bufio.Reader, name string, a *answer) error {
	text, err := rawValue(r)
	if err != nil {
		return err
	}
	switch name {
	case "error":
		err = json.Unmarshal(text, &a.Error)
	case "id":
		err = json.Unmarshal(text, &a.ID)
	}
	if err != nil {
		return fmt.Errorf("member %q: %q: %w", name, clip(string(text)), ErrGarbage)
	}
	return nil
}

// rawValue reads one JSON value's text up to, but not with, the comma or brace
// that follows it.
func rawValue(r *bufio.Reader) ([]byte, error) {
	var text []byte
	depth, quoted, escaped := 0, false, false
	for {
		c, err := r.ReadByte()
		if err != nil {
			return nil, cutShort(err)
		}
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case depth == 0 && (c == ',' || c == '}'):
			return text, r.UnreadByte()
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if text = append(text, c); len(text) > maxSideValue {
			return nil, fmt.Errorf("a value beside the result: %w", ErrTooLarge)
		}
	}
}

// memberName reads a quoted name without escapes, and its colon.
func memberName(r *bufio.Reader) (string, error) {
	if err := expect(r, '"'); err != nil {
		return "", err
	}
	const longest = 32
	name := make([]byte, 0, longest)
	for {
		c, err := r.ReadByte()
		if err != nil {
			return "", cutShort(err)
		}
		if c == '"' {
			return string(name), expect(r, ':')
		}
		if name = append(name, c); len(name) > longest || c == '\\' {
			return "", fmt.Errorf("member %q: %w", clip(string(name)), ErrGarbage)
		}
	}
}

// expect reads one token, which must be want.
func expect(r *bufio.Reader, want byte) error {
	c, err := nextToken(r)
	if err != nil {
		return err
	}
	if c != want {
		rest, _ := r.Peek(min(r.Buffered(), 100)) // only for the message
		return fmt.Errorf("%q: %w", clip(string(c)+string(rest)), ErrGarbage)
	}
	return nil
}

// nextToken returns the next byte that is not white space.
func nextToken(r *bufio.Reader) (byte, error) {
	for {
		c, err := r.ReadByte()
		if err != nil {
			return 0, cutShort(err)
		}
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c, nil
		}
	}
}

// cutShort names an end in the middle of a structure; other errors stay.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrCutShort
	}
	return err
}
