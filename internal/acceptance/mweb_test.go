package acceptance_test

import (
	"context"
	"encoding/json"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/testnodes"
)

// TestMWEB tells stories of coins that go into Litecoin's extension block and come out of it to watched addresses.
func TestMWEB(t *testing.T) {
	r := realRig(t, testnodes.Options{Coin: testnodes.LTC, MWEB: true})
	n := r.hand.(*realHand).Node
	if err := n.ActivateMWEB(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, one := range []scenario{
		{"peg-in", "tip", func(s *story) { pegIn(s, n) }},
		{"peg-out", "tip", func(s *story) { pegOut(s, n) }},
		{"peg-out before an import", "genesis", func(s *story) { pegOutBefore(s, n) }},
		{"reorg of a peg-out", "tip", func(s *story) { pegOutReorg(s, n) }},
	} {
		for _, w := range []way{wayAll, wayP2P} { // with the extension block, and without it
			t.Run(one.name+" over "+string(w), func(t *testing.T) {
				s := begin(t, r, w, one.start)
				one.tell(s)
				s.prove()
			})
		}
	}
}

// pegIn moves coins of a watched wallet into the MWEB.
func pegIn(s *story, n *testnodes.Node) {
	wallet := "saver over " + string(s.way)
	_, err := n.Call(s.t.Context(), "createwallet", wallet)
	s.must(err)
	address, err := ask[string](s.t.Context(), namedWallet{n, wallet}, "getnewaddress")
	s.must(err)
	script, err := s.rig.coin.Script(address)
	s.must(err)
	s.people["saver"] = &person{address: address, script: script}
	s.watch("none", "saver")
	s.pay("savings", pays("saver", "5"))
	s.mine(1)
	s.has("saver", "confirmed 5")
	hidden, err := ask[string](s.t.Context(), namedWallet{n, "mweb"}, "getnewaddress", "", "mweb")
	s.must(err)
	_, err = n.CallWallet(s.t.Context(), wallet, "sendtoaddress", hidden, 2)
	s.must(err)
	s.has("saver", "confirmed 5, outgoing 5")
	s.mine(1)
	s.has("saver", "")
}

func pegOut(s *story, n *testnodes.Node) {
	s.watch("none", "alice")
	s.out(n, "alice", "1")
	s.mine(1)
	for range testnodes.PegOutMaturity - 1 {
		s.has("alice", "confirmed 1, immature 1")
		s.mine(1)
	}
	s.has("alice", "confirmed 1")
}

func pegOutBefore(s *story, n *testnodes.Node) {
	s.meet("alice")
	s.out(n, "alice", "0.75")
	s.mine(2)
	s.watch("genesis", "alice")
	s.has("alice", "confirmed 0.75, immature 0.75")
}

// pegOutReorg leaves the block of a peg-out twice. A HogEx is no transaction of the mempool: the payment comes back in a
// new one, with the same id where the extension block is the same (measured), and another where it is not.
func pegOutReorg(s *story, n *testnodes.Node) {
	s.watch("none", "alice")
	s.meet("stranger")
	s.out(n, "alice", "0.5")
	s.mine(1)
	s.has("alice", "confirmed 0.5, immature 0.5")
	before := s.coinsOf("alice")
	s.reorg(1)
	s.has("alice", "confirmed 0.5, immature 0.5")
	_, err := s.rig.invalidate(s.t.Context(), 2)
	s.must(err)
	s.has("alice", "")
	s.out(n, "stranger", "0.25")
	s.mine(3)
	s.has("alice", "confirmed 0.5, immature 0.5")
	if after := s.coinsOf("alice"); len(after) != 1 || after[0] == before[0] {
		s.t.Errorf("paid out in %v, then in %v", before, after)
	}
}

// out pays a person from the MWEB.
func (s *story) out(n *testnodes.Node, name, value string) {
	s.t.Helper()
	_, err := n.PegOut(s.t.Context(), s.people[name].address, value)
	s.must(err)
}

// coinsOf lists what a person has.
func (s *story) coinsOf(name string) (list []coins.OutPoint) {
	s.t.Helper()
	page, err := s.engine.Coins(s.t.Context(), s.rig.symbol, engine.CoinQuery{Address: s.people[name].address})
	s.must(err)
	for _, c := range page.Coins {
		list = append(list, c.OutPoint)
	}
	return list
}

// namedWallet calls one of the node's wallets.
type namedWallet struct {
	*testnodes.Node
	name string
}

func (w namedWallet) Call(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	return w.CallWallet(ctx, w.name, method, params...)
}
