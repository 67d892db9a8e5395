package acceptance_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"coffer.example/coffer/internal/testnodes"
)

// latencyBlocks is how many blocks are timed over each way.
const latencyBlocks = 20

// TestLatency measures, and logs, how long after a block a deposit in it can be queried: from the call that mines it,
// which includes the node's own work, and from the node's answer, by which it has announced the block or is about to.
func TestLatency(t *testing.T) {
	for _, coin := range []testnodes.Coin{testnodes.BTC, testnodes.LTC, testnodes.DOGE} {
		t.Run(string(coin), func(t *testing.T) {
			r := rigOf(t, coin)
			for _, one := range []struct {
				way way
				zmq bool
			}{{wayAll, true}, {wayP2P, false}, {wayPoll, false}} {
				if one.zmq && r.config.zmq == "" {
					t.Logf("this %s was built without ZMQ", coin)
					continue
				}
				measureLatency(t, r, one.way)
			}
		})
	}
}

func measureLatency(t *testing.T, r *rig, w way) {
	t.Helper()
	s := begin(t, r, w, "tip")
	defer s.stop()
	s.watch("none", "alice")
	var mined, answered []time.Duration
	for i := range latencyBlocks {
		s.pay(fmt.Sprint("deposit ", i), pays("alice", "0.01"))
		s.agrees()
		before := s.balance("alice").Coins
		began := time.Now()
		s.mine(1)
		answer := time.Now()
		s.until("deposit in a block", func() (bool, error) { return s.balance("alice").Coins > before, nil })
		mined, answered = append(mined, time.Since(began)), append(answered, time.Since(answer))
	}
	slices.Sort(mined)
	slices.Sort(answered)
	t.Logf("%s over %s: queryable after the node's answer: median %v, most %v; after the call to mine: median %v, most %v",
		r.symbol, w, round(answered[latencyBlocks/2]), round(answered[latencyBlocks-1]), round(mined[latencyBlocks/2]), round(mined[latencyBlocks-1]))
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
