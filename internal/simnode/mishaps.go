package simnode

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Busy is what a node answers whose work queue is full.
func Busy() Fault { return Fault{Status: 503} }

// CutShort closes the connection after so many bytes of the answer, 1 or more.
func CutShort(bytes int) Fault { return Fault{Cut: bytes} }

// HungUp closes the connection without an answer.
func HungUp() Fault { return Fault{Cut: -1} }

// Nonsense answers with bytes that mean nothing.
func Nonsense() Fault { return Fault{Garbage: true} }

// Oversize answers with at least so many bytes: the true ones first.
func Oversize(bytes int) Fault {
	return Fault{Change: func(answer []byte) []byte {
		return append(slices.Clone(answer), make([]byte, max(0, bytes-len(answer)))...)
	}}
}

// Late answers after a delay.
func Late(delay time.Duration) Fault { return Fault{Delay: delay} }

// Silent never answers.
func Silent() Fault { return Fault{Drop: true} }

// Doubled says the same twice, where a protocol lets it.
func Doubled() Fault { return Fault{Twice: true} }

// Killed ends the node in the middle of the answer.
func Killed() Fault { return Fault{Stop: true} }

// Stale answers with what was answered the last time to a question of the same
// protocol and method; the first time with the truth.
func Stale() Faults {
	var mu sync.Mutex
	last := map[Query][]byte{}
	return func(q Query) Fault {
		q.Serial = 0
		return Fault{Change: func(answer []byte) []byte {
			mu.Lock()
			defer mu.Unlock()
			before, known := last[q]
			last[q] = slices.Clone(answer)
			if !known {
				return answer
			}
			return before
		}}
	}
}

// Always lets the same thing go wrong with every answer.
func Always(f Fault) Faults { return func(Query) Fault { return f } }

// On confines faults to a protocol and, where methods are given, to these.
func On(protocol Protocol, faults Faults, methods ...string) Faults {
	return func(q Query) Fault {
		if q.Protocol != protocol || (len(methods) > 0 && !slices.Contains(methods, q.Method)) {
			return Fault{}
		}
		return faults(q)
	}
}

// Nth lets through all but the n-th answer that it is asked about, from 1, and
// the count−1 after it.
func Nth(n, count int, faults Faults) Faults {
	var mu sync.Mutex
	asked := 0
	return func(q Query) Fault {
		mu.Lock()
		asked++
		hit := asked >= n && asked < n+count
		mu.Unlock()
		if !hit {
			return Fault{}
		}
		return faults(q)
	}
}

// Seeded lets one of several kinds of fault come over percent of the answers,
// as the seed decides, in the order in which the node gives them.
func Seeded(seed uint64, percent int, kinds ...Faults) Faults {
	return func(q Query) Fault {
		rng := rand.New(rand.NewPCG(seed, q.Serial))
		if rng.IntN(100) >= percent {
			return Fault{}
		}
		return kinds[rng.IntN(len(kinds))](q)
	}
}

// Until lets everything go right once over is closed.
func Until(over <-chan struct{}, faults Faults) Faults {
	return func(q Query) Fault {
		select {
		case <-over:
			return Fault{}
		default:
			return faults(q)
		}
	}
}
