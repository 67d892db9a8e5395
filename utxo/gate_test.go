package utxo

import (
	"testing"
	"testing/synctest"
)

// TestGate checks who is let in: the first before those of later, those all the
// same after patience others.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		g.Lock()
		var order []byte
		enter := func(lock func(), name byte) {
			go func() {
				lock()
				order = append(order, name)
				g.Unlock()
			}()
			synctest.Wait()
		}
		enter(g.lockLater, 'j')
		enter(g.lockLater, 'j')
		enter(g.Lock, 'b')
		enter(g.Lock, 'b')
		g.Unlock()
		synctest.Wait()
		if string(order) != "bbjj" {
			t.Errorf("let in as %s", order)
		}
		order = nil
		g.Lock()
		enter(g.lockLater, 'j')
		for range 2 * patience {
			enter(g.Lock, 'b')
		}
		g.Unlock()
		synctest.Wait()
		if len(order) != 2*patience+1 || order[patience] != 'j' {
			t.Errorf("let in as %s", order)
		}
	})
}
