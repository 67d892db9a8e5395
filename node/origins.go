package node

import (
	"sync"

	"coffer.example/coffer/coins"
)

// maxOrigins is how many blocks' origins are remembered: more than are in
// flight at once.
const maxOrigins = 1024

// origins remembers where the latest blocks came from, for the case that they
// prove bad.
type origins struct {
	mu   sync.Mutex
	from map[coins.BlockHash]int
	ring [maxOrigins]coins.BlockHash
	next int
}

// note says that a block came from a place; of two notes the later counts.
func (o *origins) note(hash coins.BlockHash, from int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.from == nil {
		o.from = make(map[coins.BlockHash]int, maxOrigins)
	}
	if _, known := o.from[hash]; !known {
		delete(o.from, o.ring[o.next])
		o.ring[o.next] = hash
		o.next = (o.next + 1) % maxOrigins
	}
	o.from[hash] = from
}

// of returns where a block came from, and false where that is not remembered.
func (o *origins) of(hash coins.BlockHash) (int, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	from, known := o.from[hash]
	return from, known
}
