package acceptance_test

import (
	"time"

	"coffer.example/coffer/engine"
	"coffer.example/coffer/scanner"
)

// nodeDies kills the node while a new index reads its chain. The node comes back, perhaps with fewer blocks than the
// index has: that is no fork until another branch has more work.
func nodeDies(s *story) {
	s.meet("alice")
	s.pay("rent", pays("alice", "1.5"))
	s.mine(20)
	s.must(s.rig.forget(s.t.Context())) // what was mined is on its disk
	s.pay("food", pays("alice", "0.5"))
	s.mine(1)
	s.stop()
	s.dir = s.t.TempDir()
	s.open()
	s.importing("genesis", "alice")
	s.connected(10)
	s.must(s.rig.crash(s.t.Context()))
	s.mine(3)
	s.agrees()
}

// connected waits until the engine has told of n blocks.
func (s *story) connected(n int) {
	s.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for n > 0 {
		select {
		case event := <-s.events:
			if scanned, ok := event.Detail.(engine.Scanned); ok && event.Job == 0 {
				if _, ok := scanned.Event.(scanner.Connected); ok {
					n--
				}
			}
		case <-limit.C:
			s.t.Fatal("the engine reads no blocks")
		}
	}
}
