package utxo

import "sync"

// gate is the lock of whoever writes. Jobs, of which there is always one that
// wants to write, let everybody else go first, so that a new block waits for
// the one step at hand and no more. They are let in all the same after patience
// others, lest catching up over months shut them out.
type gate struct {
	mu   sync.Mutex
	free sync.Cond
	held bool
	// first and jobs wait; passed counts those let in while a job waited.
	first, jobs, passed int
}

// patience is how many are let in before a job that waits.
const patience = 16

func newGate() *gate {
	g := &gate{}
	g.free.L = &g.mu
	return g
}

// Lock is for everybody but jobs.
func (g *gate) Lock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.first++
	for g.held || g.jobsTurn() {
		g.free.Wait()
	}
	g.first--
	g.held = true
	if g.jobs > 0 {
		g.passed++
	}
}

// lockJob is Lock for a job.
func (g *gate) lockJob() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.jobs++
	for g.held || g.first > 0 && !g.jobsTurn() {
		g.free.Wait()
	}
	g.jobs--
	g.held, g.passed = true, 0
}

func (g *gate) jobsTurn() bool { return g.jobs > 0 && g.passed >= patience }

// Unlock lets the next one in.
func (g *gate) Unlock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = false
	g.free.Broadcast()
}
