package coinstest

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"coffer.example/coffer/coins"
)

// Node is the RPC of a running node with a wallet. The node's errors are errors
// here.
type Node interface {
	Call(ctx context.Context, method string, params ...any) (json.RawMessage, error)
}

// Options are the facts that a coin's data must have, from elsewhere than its
// own parameters, and what to compare it with.
type Options struct {
	// Dust is the dust limit of each standard script type, 0 where there is none.
	Dust map[coins.ScriptType]coins.Amount
	// Maturity is how many blocks a coinbase output mined at a height waits;
	// give the heights on both sides of every change.
	Maturity map[coins.Height]coins.Height
	// Foreign are well-formed addresses of other coins or networks, which must
	// be refused with [coins.ErrWrongNetwork].
	Foreign []string
	// Fixtures are paths of recorded blocks.
	Fixtures []string
	// Node is a node of the coin and network; nil leaves that part out.
	Node Node
}

// Run checks a coin.
func Run(t *testing.T, c coins.Coin, o Options) {
	t.Run("params", func(t *testing.T) { checkParams(t, c.Params()) })
	t.Run("maturity", func(t *testing.T) { checkMaturity(t, c.Params(), o.Maturity) })
	t.Run("dust", func(t *testing.T) { checkDust(t, c, o.Dust) })
	t.Run("addresses", func(t *testing.T) { checkAddresses(t, c) })
	t.Run("typos", func(t *testing.T) { checkTypos(t, c) })
	t.Run("foreign", func(t *testing.T) { checkForeign(t, c, o.Foreign) })
	for _, path := range o.Fixtures {
		t.Run("fixture", func(t *testing.T) { checkFixture(t, c, path) })
	}
	if o.Node != nil {
		t.Run("node", func(t *testing.T) { checkNode(t, c, o.Node) })
	}
}

// checkParams looks for what is left out or contradicts itself. A coin that
// core.New built passes; one that is built otherwise must too.
func checkParams(t *testing.T, p *coins.Params) {
	for name, missing := range map[string]bool{
		"symbol": p.Symbol == "", "name": p.Name == "", "network": p.Network == "",
		"classifier": p.Classifier == 0, "longest block": p.Format.MaxBlock <= 0,
		"P2PKH": len(p.Address.P2PKH) == 0, "P2SH": len(p.Address.P2SH) == 0, "WIF": p.Address.WIF == 0,
		"BIP 32 versions": p.Address.HDPublic == 0 || p.Address.HDPrivate == 0,
		"magic":           p.Chain.Magic == [4]byte{}, "maturity": len(p.Chain.Maturity) == 0,
		"interval": p.Chain.Interval <= 0, "largest amount": p.Chain.MaxMoney <= 0,
		"relay floor": p.Policy.RelayFloor <= 0, "mempool expiry": p.Policy.MempoolExpiry <= 0,
		"confirmations": p.Policy.Confirmations <= 0, "longest reorg": p.Policy.MaxReorg <= 0,
		"daemon": p.Node.Daemon == "", "RPC port": p.Node.RPCPort == 0, "peer port": p.Node.P2PPort == 0,
		"protocol version": p.Node.ProtocolVersion == 0,
	} {
		if missing {
			t.Errorf("%s is missing", name)
		}
	}
	if got := p.Chain.GenesisHeader.Hash(); got != p.Chain.Genesis {
		t.Errorf("genesis header hashes to %s, genesis is %s", got, p.Chain.Genesis)
	}
	if p.Chain.GenesisHeader.Prev() != (coins.BlockHash{}) {
		t.Error("genesis header has a parent")
	}
	if p.Format.Segwit != (p.Address.HRP != "") || p.Format.Segwit != (p.Node.WitnessFlag != 0) {
		t.Error("segwit, human readable part and inventory flag contradict each other")
	}
}

func checkMaturity(t *testing.T, p *coins.Params, want map[coins.Height]coins.Height) {
	if len(want) == 0 {
		t.Error("no heights were given")
	}
	for height, blocks := range want {
		if got := p.Chain.MaturityOf(height); got != blocks {
			t.Errorf("coinbase of height %d waits %d blocks, want %d", height, got, blocks)
		}
		if longest := p.Chain.MaturityMax(); longest < blocks {
			t.Errorf("longest wait is %d blocks, at height %d it is %d", longest, height, blocks)
		}
	}
}

func checkDust(t *testing.T, c coins.Coin, want map[coins.ScriptType]coins.Amount) {
	if len(want) == 0 {
		t.Error("no dust limits were given")
	}
	for _, s := range samples(c) {
		limit, given := want[s.kind]
		if got := c.Dust(s.script); given && got != limit {
			t.Errorf("dust of %s is %s, want %s", s.kind, got, limit)
		}
	}
}

func checkForeign(t *testing.T, c coins.Coin, addresses []string) {
	if len(addresses) == 0 {
		t.Error("no foreign addresses were given")
	}
	for _, address := range addresses {
		if _, err := c.Script(address); !errors.Is(err, coins.ErrWrongNetwork) {
			t.Errorf("%s: %v, want %v", address, err, coins.ErrWrongNetwork)
		}
	}
}
