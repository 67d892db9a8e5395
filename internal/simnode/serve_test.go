package simnode

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
	"coffer.example/coffer/node/nodetest"
)

func serve(tb testing.TB, c *Chain, o Options) *Node {
	tb.Helper()
	n, err := Serve(context.Background(), c, o)
	must(tb, err)
	tb.Cleanup(n.Close)
	return n
}

// post sends a body to the RPC and returns the answer.
func (n *Node) post(ctx context.Context, body string) (status int, answer []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.RPC, bytes.NewBufferString(body))
	if err != nil {
		return 0, nil, err
	}
	r.SetBasicAuth(n.User, n.Password)
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// ask calls a method by other means than Coffer's client.
func (n *Node) ask(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"method": method, "params": params, "id": 1})
	if err != nil {
		return nil, err
	}
	_, answer, err := n.post(ctx, string(body))
	if err != nil {
		return nil, err
	}
	var reply struct {
		Result json.RawMessage
		Error  *Reject
	}
	if err := json.Unmarshal(answer, &reply); err != nil {
		return nil, fmt.Errorf("%s: %w", answer, err)
	}
	if reply.Error != nil {
		return nil, fmt.Errorf("%s", answer)
	}
	return reply.Result, nil
}

// subject offers a node to the client's suite.
func subject(t *testing.T, c *Chain, extra func(*Options)) *nodetest.Subject {
	o := Options{CookieFile: filepath.Join(t.TempDir(), "cookie")}
	if extra != nil {
		extra(&o)
	}
	n := serve(t, c, o)
	s := &nodetest.Subject{
		Params: c.Params(),
		Options: node.Options{
			RPC: n.RPC, CookieFile: o.CookieFile, P2P: n.P2P, REST: !o.NoREST, ZMQ: []string{n.ZMQ},
		},
		TrustsPeers: true,
		Oracle: func(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
			return n.ask(ctx, method, params...)
		},
		Mine: func(ctx context.Context, count int) error {
			if err := n.SettleZMQ(ctx, "hashblock", "rawtx"); err != nil {
				return err
			}
			_, err := c.Mine(count)
			return err
		},
		Pay: func(context.Context) (coins.TxID, error) {
			script := RandomScript(rand.New(rand.NewPCG(1, 2)), P2PKH)
			tx, err := c.Send(TxSpec{Outputs: []Out{{Value: coins.Unit, Script: script}}})
			if err != nil {
				return coins.TxID{}, err
			}
			return tx.ID(), nil
		},
		Reconsider: func(_ context.Context, hash coins.BlockHash) error { return c.Reconsider(hash) },
	}
	s.Invalidate = func(_ context.Context, height coins.Height) error {
		id, _ := c.BlockID(height)
		return c.Invalidate(id.Hash)
	}
	s.Restart = func(ctx context.Context) error {
		o.RPCAddr, o.P2PAddr, o.ZMQAddr = n.RPC[len("http://"):], n.P2P, n.ZMQ[len("tcp://"):]
		n.Close()
		n = serve(t, c, o)
		return nil
	}
	return s
}

func TestClientSuite(t *testing.T) {
	eachCoin(t, func(t *testing.T, coin coins.Coin) {
		nodetest.Run(t, func(_ context.Context, t *testing.T) *nodetest.Subject {
			c := newChain(t, Config{Coin: coin, Seed: 7, MWEBFrom: 105})
			must(t, c.Fund(15))
			if coin.Params().Format.MWEB {
				got(c.Mine(2, PegIn(3*coins.Unit)))(t)
			}
			for c.Tip().Height < 130 {
				got(c.Mine(1, Pay(c.OwnScript(), coins.Unit)))(t)
			}
			return subject(t, c, func(o *Options) {
				if coin.Params().Format.AuxPoW { // its client learns the topics by listening
					o.ZMQTopics = []string{"hashblock", "rawtx"}
				}
			})
		})
	})
}
