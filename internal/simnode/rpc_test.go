package simnode

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
)

// TestEnvelope has what stands around a call: as Core 29 and Litecoin 0.21
// answered the same bodies.
func TestEnvelope(t *testing.T) {
	type row struct {
		body, core string
		coreStatus int
		old        string
		oldStatus  int
	}
	rows := []row{
		{`{"method":"getblockcount","id":1}`, `{"result":0,"error":null,"id":1}`, 200, `{"result":0,"error":null,"id":1}`, 200},
		{`{"jsonrpc":"2.0","method":"getblockcount","id":5}`, `{"jsonrpc":"2.0","result":0,"id":5}`, 200, `{"result":0,"error":null,"id":5}`, 200},
		{
			`{"jsonrpc":"2.0","method":"nosuch","id":5}`, `{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":5}`, 200,
			`{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":5}`, 404,
		},
		{
			`[{"method":"getblockcount","id":5},{"method":"nosuch","id":6}]`,
			`[{"result":0,"error":null,"id":5},{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":6}]`, 200,
			`[{"result":0,"error":null,"id":5},{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":6}]`, 200,
		},
		{`garbage`, `{"result":null,"error":{"code":-32700,"message":"Parse error"},"id":null}`, 500, `{"result":null,"error":{"code":-32700,"message":"Parse error"},"id":null}`, 500},
		{`"x"`, `{"result":null,"error":{"code":-32700,"message":"Top-level object parse error"},"id":null}`, 500, `{"result":null,"error":{"code":-32700,"message":"Top-level object parse error"},"id":null}`, 500},
		{`{"method":"getblockhash","params":{"height":0},"id":"q"}`, `{"result":"` + genesisOf(t, "btc") + `","error":null,"id":"q"}`, 200, `{"result":"` + genesisOf(t, "ltc") + `","error":null,"id":"q"}`, 200},
		{`{"method":5,"id":1}`, `{"result":null,"error":{"code":-32600,"message":"Method must be a string"},"id":1}`, 400, `{"result":null,"error":{"code":-32600,"message":"Method must be a string"},"id":1}`, 400},
		{`[]`, `[]`, 200, `[]`, 200},
	}
	core := serve(t, newChain(t, Config{Coin: testCoins(t)["btc"]}), Options{})
	old := serve(t, newChain(t, Config{Coin: testCoins(t)["ltc"]}), Options{})
	for _, row := range rows {
		for n, want := range map[*Node]struct {
			body   string
			status int
		}{core: {row.core, row.coreStatus}, old: {row.old, row.oldStatus}} {
			status, body, err := n.post(t.Context(), row.body)
			must(t, err)
			if status != want.status || string(body) != want.body+"\n" {
				t.Errorf("%s: %d %s, want %d %s", row.body, status, body, want.status, want.body)
			}
		}
	}
}

func genesisOf(t *testing.T, name string) string {
	return testCoins(t)[name].Params().Chain.Genesis.String()
}

func TestCredentials(t *testing.T) {
	cookie := filepath.Join(t.TempDir(), ".cookie")
	n := serve(t, newChain(t, Config{Coin: testCoins(t)["btc"]}), Options{User: "a", Password: "b", CookieFile: cookie})
	text, err := os.ReadFile(cookie)
	must(t, err)
	for name, want := range map[string]int{"a:b": 200, string(text): 200, "a:c": 401, "__cookie__:": 401} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.RPC, nil)
		must(t, err)
		user, password, _ := strings.Cut(name, ":")
		r.SetBasicAuth(user, password)
		r.Close = true
		resp, err := http.DefaultClient.Do(r)
		must(t, err)
		must(t, resp.Body.Close())
		if want == 200 {
			want = 500 // let in: an empty body is no call
		}
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", user, resp.StatusCode, want)
		}
	}
	n.Close()
	if _, err := os.Stat(cookie); !os.IsNotExist(err) {
		t.Error("the cookie outlived the node:", err)
	}
}

// TestDescriptorChecksum has the values that a Core node gave.
func TestDescriptorChecksum(t *testing.T) {
	for descriptor, want := range map[string]string{
		"addr(n4Bsk92LYkpedzgPJErfKUZ3PbzwX3MWzZ)": "k5skulzp",
		"raw(6a0401020304)":                        "g0fz96j4",
		"raw()":                                    "58lrscpx",
	} {
		if got := withChecksum(descriptor); got != descriptor+"#"+want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestAmountsAreExact follows the largest amounts through JSON.
func TestAmountsAreExact(t *testing.T) {
	if got := string(appendJSON(nil, object{{"a", coins.Amount(9_007_199_254_740_993)}, {"b", coins.Amount(-1)}, {"c", coins.Amount(0)}})); got !=
		`{"a":90071992.54740993,"b":-0.00000001,"c":0.00000000}` {
		t.Fatal(got)
	}
	for amount, want := range map[coins.Amount]string{50 * coins.Unit: "50.00", 1: "0.00000001", 123_000_000: "1.23", 10_000: "0.0001"} {
		if got := short(amount); got != want {
			t.Errorf("%d: %s, want %s", amount, got, want)
		}
	}
}

// TestBusy lets much happen to a chain while clients read it over everything.
func TestBusy(t *testing.T) {
	eachCoin(t, func(t *testing.T, coin coins.Coin) {
		c := newChain(t, Config{Coin: coin, Seed: 3, MWEBFrom: 105})
		must(t, c.Fund(10))
		n := serve(t, c, Options{})
		client, err := node.Open(t.Context(), c.Params(), node.Options{
			RPC: n.RPC, User: n.User, Password: n.Password, P2P: n.P2P, REST: true, ZMQ: []string{n.ZMQ},
		})
		must(t, err)
		defer func() { must(t, client.Close()) }()
		done, stop := context.WithCancel(t.Context())
		var work sync.WaitGroup
		for range 3 {
			work.Go(func() { readAll(done, t, n, client) })
		}
		a := NewActivity(c, 1, AnyScript(rand.New(rand.NewPCG(1, 1)), coin.Params().Format))
		for range 150 {
			if what, err := a.Step(); err != nil {
				t.Error(what, err)
			}
		}
		stop()
		work.Wait()
		tip := got(client.Tip(t.Context()))(t)
		if tip != c.Tip() {
			t.Fatal(tip, c.Tip())
		}
		checkChain(t, c)
	})
}

// readAll asks for everything there is until ctx ends.
func readAll(ctx context.Context, t *testing.T, n *Node, client *node.Node) {
	for ctx.Err() == nil {
		tip, err := client.Tip(ctx)
		if err != nil {
			continue
		}
		if _, err := client.Block(ctx, tip, nil); err != nil && ctx.Err() == nil {
			t.Error(err) // every block made is kept
		}
		for _, call := range [][]any{
			{"getblock", tip.Hash, 2}, {"getrawmempool", true}, {"getchaintips"}, {"getmempoolinfo"}, {"gettxoutsetinfo"}, {"getpeerinfo"},
		} {
			raw, err := n.ask(ctx, call[0].(string), call[1:]...)
			if ctx.Err() == nil && (err != nil || !json.Valid(raw)) {
				t.Error(call, err)
			}
		}
	}
}
