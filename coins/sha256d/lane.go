package sha256d

import (
	"encoding/binary"
)

const (
	blockSize = 64
	// laneSize is how much of a message a lane's buffer takes at a time: most
	// transactions as a whole, and few enough bytes to stay in the nearest cache.
	laneSize = 16 * blockSize
	// padMin is the least padding: a one bit, and the length in 8 bytes.
	padMin = 1 + 8
)

// lane is a message on its way through compress. It is idle when blocks is 0.
type lane struct {
	// buf holds blocks that are ready, from next on. Behind the message's part
	// there is room for padding.
	buf    [laneSize + blockSize]byte
	next   int
	blocks int

	state  *[Size]byte
	parts  [3][]byte // what is not in buf yet
	length int       // of the whole message
	last   bool      // the padding is in buf
}

// begin takes on a message.
func (l *lane) begin(state *[Size]byte, head, body, tail []byte) {
	*state = initial()
	l.state = state
	l.parts = [3][]byte{head, body, tail}
	l.length = len(head) + len(body) + len(tail)
	l.fill()
}

// fill makes the message's next blocks, at least one.
func (l *lane) fill() {
	n := 0
	for i, part := range l.parts {
		copied := copy(l.buf[n:laneSize], part)
		l.parts[i] = part[copied:]
		n += copied
		if copied < len(part) {
			l.next, l.blocks, l.last = 0, laneSize/blockSize, false
			return
		}
	}
	l.next, l.blocks, l.last = 0, (n+padMin+blockSize-1)/blockSize, true
	pad := l.buf[n : l.blocks*blockSize]
	pad[0] = 0x80
	clear(pad[1 : len(pad)-8])
	binary.BigEndian.PutUint64(pad[len(pad)-8:], uint64(l.length)*8)
}

// first returns the address of the first block that is ready.
func (l *lane) first() *byte { return &l.buf[l.next] }

// advance drops count blocks, which are hashed, and brings the next when none
// is left.
func (l *lane) advance(count int) {
	l.next += count * blockSize
	l.blocks -= count
	if l.blocks == 0 && !l.last {
		l.fill()
	}
}

// end makes the lane idle and lets go of the message.
func (l *lane) end() {
	l.blocks, l.state, l.parts = 0, nil, [3][]byte{}
}

// initial is SHA-256's initial state in the order of the registers: the words
// F E B A H G D C, each little endian.
func initial() (state [Size]byte) {
	for i, word := range [...]uint32{
		0x9b05688c, 0x510e527f, 0xbb67ae85, 0x6a09e667,
		0x5be0cd19, 0x1f83d9ab, 0xa54ff53a, 0x3c6ef372,
	} {
		binary.LittleEndian.PutUint32(state[4*i:], word)
	}
	return state
}
