package utxo

import "sync"

// gate is the lock of whoever writes. Jobs and imports, which take it again at
// once, let everybody else go first, so that a new block waits for the one step
// at hand and no more. They are let in all the same after patience others, lest
// catching up over months shut them out.
type gate struct {
	mu   sync.Mutex
	free sync.Cond
	held bool
	// first and later wait; passed counts those let in while one of later did.
	first, later, passed int
}

// patience is how many are let in before a job or an import that waits.
const patience = 16

func newGate() *gate {
	g := &gate{}
	g.free.L = &g.mu
	return g
}

// Lock is for everybody but jobs and imports.
func (g *gate) Lock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.first++
	for g.held || g.laterTurn() {
		g.free.Wait()
	}
	g.first--
	g.held = true
	if g.later > 0 {
		g.passed++
	}
}

// lockLater is Lock for those.
func (g *gate) lockLater() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.later++
	for g.held || g.first > 0 && !g.laterTurn() {
		g.free.Wait()
	}
	g.later--
	g.held, g.passed = true, 0
}

func (g *gate) laterTurn() bool { return g.later > 0 && g.passed >= patience }

// Unlock lets the next one in.
func (g *gate) Unlock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = false
	g.free.Broadcast()
}
