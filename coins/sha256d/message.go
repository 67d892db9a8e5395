package sha256d

import "encoding/binary"

const (
	blockSize = 64
	// bufferSize is how much of a message is in hand at a time: most transactions
	// as a whole, and few enough bytes for all buffers to stay in the nearest cache.
	bufferSize = 16 * blockSize
	// padMin is the least padding: a one bit, and the length in 8 bytes. padMax
	// is the most: one byte too few left in a block, and a block.
	padMin = 1 + lengthSize
	padMax = padMin - 1 + blockSize

	lengthSize = 8
)

// message is a message on its way through compress.
type message struct {
	// buf holds what is in hand: blocks of 64 bytes, from next on. Behind the
	// message's part there is room for padding.
	buf    [bufferSize + padMax]byte
	next   int
	blocks int

	state  *[Size]byte
	parts  [3][]byte // what is not in buf yet, except when all is
	length int       // of the whole message
	whole  bool      // the last part and the padding are in buf
}

// begin takes on a message.
func (m *message) begin(state *[Size]byte, head, body, tail []byte) {
	*state = initial()
	m.state, m.next = state, 0
	m.length = len(head) + len(body) + len(tail)
	if m.length > bufferSize {
		m.parts = [3][]byte{head, body, tail}
		m.fill()
		return
	}
	n := m.put(0, head)
	n += copy(m.buf[n:], body)
	n = m.put(n, tail)
	m.pad(n)
}

// put copies part to n and returns what is behind it. Version and lock time,
// four bytes, are not worth a call.
func (m *message) put(n int, part []byte) int {
	if len(part) == 4 {
		*(*[4]byte)(m.buf[n:]) = [4]byte(part)
		return n + 4
	}
	return n + copy(m.buf[n:], part)
}

// fill brings the next blocks of a message that is longer than the buffer.
func (m *message) fill() {
	n := 0
	m.next = 0
	for i, part := range m.parts {
		copied := copy(m.buf[n:bufferSize], part)
		m.parts[i] = part[copied:]
		n += copied
		if copied < len(part) {
			m.blocks, m.whole = bufferSize/blockSize, false
			return
		}
	}
	m.pad(n)
}

// pad ends the message, whose last byte is before n, with a one bit, zeros up
// to the end of a block, and its length in bits.
func (m *message) pad(n int) {
	m.blocks, m.whole = (n+padMin+blockSize-1)/blockSize, true
	*(*[padMax]byte)(m.buf[n:]) = [padMax]byte{0x80}
	binary.BigEndian.PutUint64(m.buf[m.blocks*blockSize-lengthSize:], uint64(m.length)*8)
}

// first returns the address of the next block.
func (m *message) first() *byte { return &m.buf[m.next] }

// advance leaves count blocks behind, which are hashed, and reports whether
// they were the message's last.
func (m *message) advance(count int) (done bool) {
	m.next += count * blockSize
	m.blocks -= count
	if m.blocks > 0 {
		return false
	}
	if !m.whole {
		m.fill()
		return false
	}
	return true
}

// drop lets go of what the message was made of.
func (m *message) drop() { m.state, m.parts = nil, [3][]byte{} }

// initial is SHA-256's initial state in the order of the registers: the words
// F E B A H G D C, each little endian. Written as bytes it is copied as one.
func initial() [Size]byte {
	return [Size]byte{
		0x8c, 0x68, 0x05, 0x9b, 0x7f, 0x52, 0x0e, 0x51, 0x85, 0xae, 0x67, 0xbb, 0x67, 0xe6, 0x09, 0x6a,
		0x19, 0xcd, 0xe0, 0x5b, 0xab, 0xd9, 0x83, 0x1f, 0x3a, 0xf5, 0x4f, 0xa5, 0x72, 0xf3, 0x6e, 0x3c,
	}
}
