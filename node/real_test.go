package node_test

import (
	"context"
	"encoding/json"
	"testing"

	"go.uber.org/goleak"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/coins/doge"
	"coffer.example/coffer/coins/ltc"
	"coffer.example/coffer/internal/testnodes"
	"coffer.example/coffer/node"
	"coffer.example/coffer/node/nodetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func params(t testing.TB, symbol string) *coins.Params {
	t.Helper()
	of := map[string]func(coins.Network) (coins.Params, error){"btc": btc.Params, "ltc": ltc.Params, "doge": doge.Params}
	p, err := of[symbol](coins.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	return &p
}

// real makes a subject of a full node on this machine.
func real(start testnodes.Options, cookie bool) nodetest.Factory {
	return func(ctx context.Context, t *testing.T) *nodetest.Subject {
		n := testnodes.StartTB(ctx, t, start)
		if err := n.Fund(ctx, 25); err != nil {
			t.Fatal(err)
		}
		if start.MWEB {
			if err := n.ActivateMWEB(ctx); err != nil {
				t.Fatal(err)
			}
		}
		o := node.Options{RPC: n.RPC, P2P: n.P2P, REST: true, User: n.User, Password: n.Password}
		if cookie {
			o.User, o.Password, o.CookieFile = "", "", n.CookieFile
		}
		if n.ZMQ != "" {
			o.ZMQ = []string{n.ZMQ}
		}
		return &nodetest.Subject{
			Params: params(t, string(start.Coin)), Options: o, TrustsPeers: true,
			Oracle: func(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
				return n.Call(ctx, method, params...)
			},
			Mine: func(ctx context.Context, count int) error {
				_, err := n.Mine(ctx, count)
				return err
			},
			Pay: func(ctx context.Context) (coins.TxID, error) { return pay(ctx, n) },
			Invalidate: func(ctx context.Context, height coins.Height) error {
				_, err := n.Invalidate(ctx, int(height))
				return err
			},
			Reconsider: func(ctx context.Context, hash coins.BlockHash) error { return n.Reconsider(ctx, hash.String()) },
			Restart:    func(ctx context.Context) error { return n.Restart(ctx) },
		}
	}
}

func pay(ctx context.Context, n *testnodes.Node) (coins.TxID, error) {
	address, err := n.NewAddress(ctx)
	if err != nil {
		return coins.TxID{}, err
	}
	id, err := n.Send(ctx, address, "1.5")
	if err != nil {
		return coins.TxID{}, err
	}
	return coins.ParseTxID(id)
}

func TestRealNodes(t *testing.T) {
	cases := []struct {
		name   string
		start  testnodes.Options
		cookie bool
	}{
		{"bitcoind", testnodes.Options{Coin: testnodes.BTC}, false},
		{"bitcoind with txindex and cookie", testnodes.Options{Coin: testnodes.BTC, TxIndex: true}, true},
		{"litecoind", testnodes.Options{Coin: testnodes.LTC}, true},
		{"litecoind with MWEB", testnodes.Options{Coin: testnodes.LTC, MWEB: true}, true},
		{"dogecoind", testnodes.Options{Coin: testnodes.DOGE}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { nodetest.Run(t, real(c.start, c.cookie)) })
	}
}
