package sha256d

import (
	"crypto/sha256"
	"hash"
)

// Size is the length of a hash in bytes.
const Size = sha256.Size

// maxAtOnce bounds a call into assembly, where a goroutine cannot be
// preempted, to some 30 microseconds. It is even.
const maxAtOnce = 512

// Hasher computes double SHA-256 of many messages. It is reused from batch to
// batch and serves one goroutine at a time.
type Hasher struct {
	queue       queue
	dst         [][Size]byte
	added       int
	accelerated bool
	plain       hash.Hash // where not accelerated
}

// New returns a hasher that uses the fastest way this processor has.
func New() *Hasher { return newHasher(accelerated()) }

func newHasher(accelerated bool) *Hasher {
	h := &Hasher{accelerated: accelerated}
	if !accelerated {
		h.plain = sha256.New()
	}
	return h
}

// Start begins a batch of len(dst) messages. Their hashes are in dst after
// [Hasher.Finish]; until then it holds states. A batch not finished is dropped.
func (h *Hasher) Start(dst [][Size]byte) {
	h.reset()
	h.dst = dst
}

// Add gives the batch's next message in up to three parts, which are hashed as
// if they stood together. The parts must stay as they are until
// [Hasher.Finish]. It panics when dst is full.
func (h *Hasher) Add(head, body, tail []byte) {
	state := &h.dst[h.added]
	h.added++
	if !h.accelerated {
		h.addPlain(state, head, body, tail)
		return
	}
	h.queue.add(state, head, body, tail)
}

func (h *Hasher) addPlain(dst *[Size]byte, head, body, tail []byte) {
	h.plain.Reset()
	h.plain.Write(head)
	h.plain.Write(body)
	h.plain.Write(tail)
	h.plain.Sum(dst[:0])
	*dst = sha256.Sum256(dst[:])
}

// Finish completes the batch; nothing given to it is kept. It panics when
// fewer messages were added than dst has room for.
func (h *Hasher) Finish() {
	assert(h.added == len(h.dst), "batch finished before all its messages were added")
	if h.accelerated {
		h.queue.drain()
		rehashAll(h.dst)
	}
	h.reset()
}

func (h *Hasher) reset() {
	if h.accelerated {
		h.queue.reset()
	}
	h.dst, h.added = nil, 0
}

// Pairs hashes one level of a merkle tree: every two neighbours of src to one
// of dst, which has room for half of them. Both may start at the same element.
// It panics when src holds an odd number: what an odd node is paired with is
// the tree's affair.
func (h *Hasher) Pairs(dst, src [][Size]byte) {
	assert(len(src)%2 == 0, "odd number of nodes")
	dst = dst[:len(src)/2]
	if !h.accelerated {
		pairsPlain(dst, src)
		return
	}
	for i := 0; i < len(dst); i += maxAtOnce {
		some := dst[i:min(i+maxAtOnce, len(dst))]
		pairsSome(some, src[2*i:2*(i+len(some))])
		rehashAll(some)
	}
}

func pairsPlain(dst, src [][Size]byte) {
	var both [2 * Size]byte
	for i := range dst {
		copy(both[:Size], src[2*i][:])
		copy(both[Size:], src[2*i+1][:])
		first := sha256.Sum256(both[:])
		dst[i] = sha256.Sum256(first[:])
	}
}

// pairsSome sets dst to the states of the pairs of src. An odd last pair is
// hashed beside two empty nodes.
func pairsSome(dst, src [][Size]byte) {
	last := len(dst) - 1
	if even := len(dst) &^ 1; even > 0 {
		pairs(&dst[0], &src[0], even)
	}
	if len(dst)%2 != 0 {
		nodes := [4][Size]byte{src[2*last], src[2*last+1]}
		pairs(&nodes[0], &nodes[0], 2)
		dst[last] = nodes[0]
	}
}

// rehashAll turns states into double hashes.
func rehashAll(states [][Size]byte) {
	for len(states) > 1 {
		count := min(len(states)&^1, maxAtOnce)
		rehash(&states[0], count)
		states = states[count:]
	}
	if len(states) == 1 {
		two := [2][Size]byte{states[0]}
		rehash(&two[0], 2)
		states[0] = two[0]
	}
}

func assert(holds bool, otherwise string) {
	if !holds {
		panic("sha256d: " + otherwise)
	}
}
