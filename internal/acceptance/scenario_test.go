package acceptance_test

import (
	"fmt"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/internal/testnodes"
	"coffer.example/coffer/utxo"
)

// rigOf starts a coin's node: Dogecoin's is simulated where there is no dogecoind.
func rigOf(t *testing.T, coin testnodes.Coin) *rig {
	t.Helper()
	if _, err := testnodes.Find(coin); err != nil && coin == testnodes.DOGE {
		t.Log("on the simulated node: there is no dogecoind")
		return simRig(t, coins.Symbol(coin))
	}
	return realRig(t, testnodes.Options{Coin: coin, Args: []string{"-walletbroadcast=0"}})
}

// scenario is a story with a name, and where its index begins.
type scenario struct {
	name  string
	start string
	tell  func(s *story)
}

func TestStories(t *testing.T) {
	ways := []way{wayAll, wayP2P, wayPoll}
	for _, coin := range []testnodes.Coin{testnodes.BTC, testnodes.LTC, testnodes.DOGE} {
		t.Run(string(coin), func(t *testing.T) {
			t.Parallel() // most of it is waiting for nodes
			r := rigOf(t, coin)
			stories := scenarios()
			if r.replaces {
				stories = append(stories, scenario{"replaced", "tip", replaced})
			}
			for i, one := range stories {
				t.Run(one.name, func(t *testing.T) {
					s := begin(t, r, ways[i%len(ways)], one.start)
					one.tell(s)
					s.prove()
				})
			}
		})
	}
}

func scenarios() []scenario {
	return []scenario{
		{"import before a deposit", "tip", importBefore},
		{"import after a deposit", "tip", importAfter},
		{"import while blocks come", "tip", importBetween},
		{"spends", "genesis", spends},
		{"conflict by a block", "tip", conflicted},
		{"evicted, and back", "tip", evicted},
		{"maturity", "tip", maturity},
		{"reorg of 1", "tip", reorgOfOne},
		{"reorg of 10", "tip", reorgOfTen},
		{"reorg of 100", "tip", reorgOfHundred},
		{"two nodes compete", "tip", twoNodes},
		{"engine restarts", "tip", engineRestarts},
		{"node restarts", "tip", nodeRestarts},
		{"node dies while the index syncs", "genesis", nodeDies},
	}
}

func importBefore(s *story) {
	s.watch("none", "alice", "bob")
	s.pay("rent", pays("alice", "1.5"), pays("stranger", "2"))
	s.has("alice", "incoming 1.5")
	s.mine(1)
	s.has("alice", "confirmed 1.5")
	s.pay("food", pays("alice", "0.25"), pays("bob", "0.00012345"), pays("alice", "0.25"))
	s.mine(2)
	s.has("alice", "confirmed 2")
	s.has("bob", "confirmed 0.00012345")
}

func importAfter(s *story) {
	s.meet("alice", "bob", "carol")
	s.pay("rent", pays("alice", "1.5"), pays("bob", "0.5"))
	s.mine(1)
	s.spend("gift", "rent", pays("carol", "1"), pays("alice", "0.125"))
	s.mine(3)
	s.pay("late", pays("bob", "3"))
	s.watch("genesis", "alice", "bob")
	s.has("alice", "confirmed 0.125")
	s.has("bob", "incoming 3")
	s.watch("genesis", "carol")
	s.mine(1)
	s.has("carol", "confirmed 1")
	s.has("bob", "confirmed 3")
}

func importBetween(s *story) {
	s.meet("alice")
	s.pay("rent", pays("alice", "1.5"), pays("alice", "1.25"))
	s.mine(1)
	job := s.importing("genesis", "alice")
	s.spend("away", "rent", pays("stranger", "1")) // the tip sees the spend before the past is read
	s.mine(1)
	s.pay("more", pays("alice", "0.5"))
	s.reorg(1)
	s.ended(job.ID)
	s.mine(1)
	s.has("alice", "confirmed 0.5")
}

func spends(s *story) {
	s.watch("genesis", "alice", "bob")
	s.pay("one", pays("alice", "1"), pays("alice", "2"))
	s.mine(1)
	s.spend("two", "one", pays("bob", "1.5"), pays("alice", "0.75"))
	s.has("alice", "confirmed 3, incoming 0.75, outgoing 3")
	s.spend("three", "two", pays("bob", "2"))
	s.has("alice", "confirmed 3, incoming 0.75, outgoing 3.75")
	s.has("bob", "incoming 3.5, outgoing 1.5")
	s.mine(1) // all three in one block
	s.has("alice", "")
	s.has("bob", "confirmed 2")
	s.spend("four", "three", pays("stranger", "0.5"))
	s.mine(1)
	s.has("bob", "")
}

func replaced(s *story) {
	s.watch("none", "alice", "bob")
	s.pay("promise", pays("alice", "1.5"))
	s.spend("child", "promise", pays("bob", "1"))
	s.has("alice", "incoming 1.5, outgoing 1.5")
	s.double("other", "promise", pays("bob", "0.75"))
	s.send("other")
	s.has("alice", "")
	s.has("bob", "incoming 0.75")
	s.mine(1)
	s.has("bob", "confirmed 0.75")
	s.stop()
	s.logged("promise", utxo.TxSeen, utxo.TxGone)
	s.logged("child", utxo.TxSeen, utxo.TxGone)
	s.logged("other", utxo.TxSeen, utxo.CoinCreated)
	s.open()
}

func conflicted(s *story) {
	s.watch("none", "alice", "bob")
	s.pay("promise", pays("alice", "1.5")) // its inputs are nobody's that is watched
	s.spend("child", "promise", pays("bob", "1"))
	s.has("bob", "incoming 1")
	s.double("cheat", "promise", pays("mallory", "1.5"))
	s.mineOnly("cheat")
	s.has("alice", "")
	s.has("bob", "")
	s.reorg(1) // the cheat may be unconfirmed again, or in the new block
	s.agrees()
	s.stop()
	s.logged("promise", utxo.TxSeen, utxo.TxConflicted)
	s.open()
}

func evicted(s *story) {
	s.watch("none", "alice")
	s.pay("promise", pays("alice", "1.5"))
	s.has("alice", "incoming 1.5")
	s.must(s.rig.forget(s.t.Context()))
	s.has("alice", "")
	s.send("promise")
	s.has("alice", "incoming 1.5")
	s.mine(1)
	s.has("alice", "confirmed 1.5")
	s.stop()
	s.logged("promise", utxo.TxSeen, utxo.TxGone, utxo.TxSeen, utxo.CoinCreated)
	s.open()
}

func maturity(s *story) {
	s.watch("none", "miner")
	s.reward("prize", "miner")
	s.agrees()
	all := s.balance("miner").Confirmed
	wait := int(s.rig.coin.Params().Chain.MaturityMax())
	for depth := 1; depth < wait; depth++ {
		if b := s.balance("miner"); b.Immature != all || b.Total != all {
			s.t.Fatalf("at %d confirmations %+v", depth, b)
		}
		s.mine(1)
		s.agrees()
	}
	s.has("miner", "confirmed "+trimmed(all.String()))
	s.spend("spree", "prize", pays("stranger", "0.01"))
	s.mine(1)
	s.has("miner", "")
}

func reorgOfOne(s *story) {
	s.watch("none", "alice", "bob")
	s.pay("rent", pays("alice", "1.5"))
	s.mine(1)
	s.spend("gift", "rent", pays("bob", "1"))
	s.mine(1)
	s.has("bob", "confirmed 1")
	left := s.reorg(1)
	s.has("bob", "confirmed 1")
	_, err := s.rig.Call(s.t.Context(), "reconsiderblock", left)
	s.must(err)
	s.agrees()
	s.reorg(2)
	s.has("alice", "")
	s.has("bob", "confirmed 1")
}

func reorgOfTen(s *story) {
	s.watch("none", "alice", "bob")
	s.pay("rent", pays("alice", "1.5"), pays("bob", "2"))
	s.mine(1)
	s.reward("prize", "bob")
	s.spend("gift", "rent", pays("bob", "1"), pays("alice", "0.5"))
	s.mine(4)
	s.draft("cheat", pays("alice", "7"))
	s.double("honest", "cheat", pays("bob", "3"))
	s.mineOnly("cheat")
	s.mine(3)
	s.has("alice", "confirmed 7.5")
	_, err := s.rig.invalidate(s.t.Context(), 10)
	s.must(err)
	s.mineOnly("honest")
	s.mine(10)
	s.has("bob", "confirmed 4") // the prize is gone; rent and gift are in blocks again
	s.has("alice", "confirmed 0.5")
}

func reorgOfHundred(s *story) {
	s.watch("none", "alice", "bob")
	s.pay("old", pays("alice", "1"))
	s.mine(1)
	s.pay("rent", pays("alice", "1.5"))
	s.mine(60)
	s.spend("gift", "old", pays("bob", "0.75"))
	s.mine(40)
	s.has("alice", "confirmed 1.5")
	s.reorg(100) // more than a node keeps the transactions of
	s.agrees()
	if b := s.balance("alice"); b.Confirmed.Cmp(coins.TotalOf(coins.Unit)) < 0 {
		s.t.Errorf("alice has %+v, and her first deposit lies below the fork", b)
	}
	s.mine(1)
}

// twoNodes pays a person in blocks that others leave behind, with a branch in which the same coins go elsewhere.
func twoNodes(s *story) {
	s.watch("none", "alice", "bob")
	for _, depth := range []int{1, 10, 100} {
		promise, cheat := fmt.Sprint("promise of ", depth), fmt.Sprint("cheat of ", depth)
		s.draft(promise, pays("alice", "1.5"))
		s.double(cheat, promise, pays("bob", "1"))
		s.compete(depth, cheat, func() {
			s.send(promise)
			s.mine(depth)
			s.has("alice", "confirmed 1.5")
		})
		s.has("alice", "")
	}
	s.has("bob", "confirmed 3")
}

func engineRestarts(s *story) {
	s.watch("none", "alice", "bob")
	s.pay("rent", pays("alice", "1.5"))
	s.mine(1)
	s.pay("food", pays("alice", "0.5"))
	s.has("alice", "confirmed 1.5, incoming 0.5")
	s.stop()
	s.mine(1)
	s.spend("gift", "rent", pays("bob", "1"))
	s.reorg(2) // while nobody looks
	s.open()
	s.has("bob", "confirmed 1")
	s.stop()
	s.spend("more", "food", pays("bob", "0.25"))
	s.open()
	s.has("alice", "confirmed 0.5, outgoing 0.5")
	s.meet("carol")
	s.pay("past", pays("carol", "3"))
	s.mine(30)
	s.importing("genesis", "carol")
	s.stop() // with the rescan before it, or in its midst
	s.open()
	s.has("carol", "confirmed 3")
}

func nodeRestarts(s *story) {
	s.watch("none", "alice")
	s.pay("rent", pays("alice", "1.5"))
	s.mine(1)
	s.has("alice", "confirmed 1.5")
	s.must(s.rig.forget(s.t.Context()))
	s.pay("food", pays("alice", "0.5"))
	s.mine(1)
	s.has("alice", "confirmed 2")
}
