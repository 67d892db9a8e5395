package simnode

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/internal/testnodes"
)

// call is one RPC call and what is told about it.
type call struct {
	method string
	params string
}

// answered is an answer with numbers as their digits.
type answered struct {
	Result any
	Error  *struct {
		Code    int
		Message string
	}
	status int
}

func (n *Node) answer(tb testing.TB, c call) (a answered) {
	tb.Helper()
	body := fmt.Sprintf(`{"method":%q,"params":%s,"id":1}`, c.method, c.params)
	status, raw, err := n.post(tb.Context(), body)
	must(tb, err)
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	must(tb, decoder.Decode(&a))
	a.status = status
	return a
}

// unlike lists where an answer of ours differs from the node's: in keys, and in
// values but for those that are named as the node's own.
func unlike(path string, ours, theirs any, skip map[string]bool) (found []string) {
	switch want := theirs.(type) {
	case map[string]any:
		have, ok := ours.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: %v, want an object", path, ours)}
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			value, there := have[key]
			switch {
			case skip["-"+key]:
			case !there:
				found = append(found, path+"."+key+" is missing")
			case !skip[key]:
				found = append(found, unlike(path+"."+key, value, want[key], skip)...)
			}
		}
		for key := range have {
			if _, there := want[key]; !there && !skip["+"+key] {
				found = append(found, path+"."+key+" is too much")
			}
		}
	case []any:
		have, ok := ours.([]any)
		if !ok || len(have) != len(want) {
			return []string{fmt.Sprintf("%s: %v, want %d items", path, ours, len(want))}
		}
		for i := range want {
			found = append(found, unlike(fmt.Sprintf("%s[%d]", path, i), have[i], want[i], skip)...)
		}
	default:
		if !reflect.DeepEqual(ours, theirs) {
			found = append(found, fmt.Sprintf("%s: %v, want %v", path, ours, theirs))
		}
	}
	return found
}

// theirOwn are the keys whose values (or, with a minus, presence) are a node's
// own affair; -txcount to -hash are what Knots adds to Core.
func theirOwn() map[string]bool {
	return setOf("size_on_disk", "usage", "version", "subversion", "localservices", "localservicesnames", "networks",
		"connections", "warnings", "verificationprogress", "softforks", "bip9_softforks", "time", "startingpriority",
		"currentpriority", "unbroadcast", "unbroadcastcount", "unspents", "timemillis", "desc", "headers",
		"-txcount", "-header_version", "-startingpriority", "-currentpriority", "-dustrelayfee", "-dustrelayfeefloor",
		"-dustdynamic", "-rbf_policy", "-truc_policy", "-bogosize", "-hash_serialized_3", "-hash_serialized_2",
		"-disk_size", "-p2sh", "-segwit", "-usage", "+fullrbf", "errors", "error", "error_locations", "-bytes_serialized", "-hash_serialized")
}

// twin makes a chain with much in it and hands its blocks to a real node.
func twin(t *testing.T, coin coins.Coin, kind testnodes.Coin) (c *Chain, ours, theirs *Node) {
	real := testnodes.StartTB(t.Context(), t, testnodes.Options{Coin: kind, NoWallet: true})
	start := time.Now().Add(-125 * coin.Params().Chain.Interval)
	c = newChain(t, Config{Coin: coin, Seed: 11, TrueWork: true, Start: start})
	theirs = &Node{RPC: real.RPC, User: real.User, Password: real.Password}
	must(t, c.Fund(12))
	rng := rand.New(rand.NewPCG(1, 9))
	for range 2 {
		got(c.Mine(1, Pay(AnyScript(rng, coin.Params().Format), coins.Unit/3), FanOut(12, 20_000)))(t)
	}
	for range 2 { // all standard: these come back to the mempool
		got(c.Mine(1, Pay(RandomScript(rng, P2SH), coins.Unit/3), ChainOf(3, RandomScript(rng, P2PKH), 70_000), Data([]byte("twin"))))(t)
	}
	submit := func(ids []coins.BlockID) {
		for _, id := range ids {
			raw := hex.EncodeToString(got(c.RawBlock(id.Hash))(t))
			a := theirs.answer(t, call{"submitblock", `["` + raw + `"]`})
			if a.Error != nil || (a.Result != nil && a.Result != "inconclusive") {
				t.Fatalf("block %s: %v %v", id, a.Result, a.Error)
			}
		}
	}
	var all []coins.BlockID
	for h := coins.Height(1); h <= c.Tip().Height; h++ {
		id, _ := c.BlockID(h)
		all = append(all, id)
	}
	submit(all)
	submit(got(c.Reorg(2, 3, Pay(RandomScript(rng, P2SH), 500_000)))(t))
	return c, serve(t, c, Options{}), theirs
}

// TestTwins has a real node take the simulated chain, with its reorganisation
// and true work, and then compares what the two answer, value by value.
func TestTwins(t *testing.T) {
	kinds := map[string]testnodes.Coin{"btc": testnodes.BTC, "ltc": testnodes.LTC, "doge": testnodes.DOGE}
	eachCoin(t, func(t *testing.T, coin coins.Coin) {
		kind := kinds[string(coin.Params().Symbol)]
		testnodes.Require(t, kind)
		c, ours, theirs := twin(t, coin, kind)
		tip, id := `"`+c.Tip().Hash.String()+`"`, c.Tip()
		script := hex.EncodeToString(c.OwnScript())
		first, _ := c.BlockID(1)
		full, _ := c.BlockID(id.Height - 4)
		block := `"` + full.Hash.String() + `"`
		tx := `"` + c.blocks[full.Hash].txs[1].String() + `"`
		address, _ := coin.Address(c.OwnScript())
		calls := []call{
			{"getblockcount", `[]`}, {"getbestblockhash", `[]`}, {"getblockchaininfo", `[]`}, {"getnetworkinfo", `[]`},
			{"getchaintips", `[]`}, {"getrawmempool", `[]`}, {"getrawmempool", `[true]`}, {"getmempoolinfo", `[]`},
			{"getblockhash", `[5]`}, {"getblockhash", `[99999]`}, {"getblockhash", `[-1]`}, {"getblockhash", `["x"]`},
			{"getblockhash", `[]`}, {"getblock", `[` + block + `,0]`}, {"getblock", `[` + block + `,1]`},
			{"getblock", `[` + block + `,true]`}, {"getblock", `["` + first.Hash.String() + `",2]`}, {"getblock", `[` + block + `]`},
			{"getblock", `["zz"]`}, {"getblock", `["` + strings.Repeat("0", 64) + `"]`}, {"getblockheader", `[` + tip + `]`},
			{"getblockheader", `[` + block + `]`}, {"getblockheader", `[` + block + `,false]`},
			{"getrawtransaction", `[` + tx + `]`}, {"getrawtransaction", `[` + tx + `,false,` + block + `]`},
			{"getrawtransaction", `[` + tx + `,true,` + block + `]`}, {"getrawtransaction", `[` + tx + `,true,` + tip + `]`},
			{"gettxout", `[` + tx + `,0]`}, {"gettxout", `["` + strings.Repeat("3", 64) + `",0]`}, {"gettxoutsetinfo", `[]`},
			{"scantxoutset", `["start",["raw(` + script + `)"]]`}, {"scantxoutset", `["start",["addr(` + address + `)"]]`},
			{"scantxoutset", `["status"]`}, {"scantxoutset", `["abort"]`}, {"scantxoutset", `["start",["nonsense"]]`},
			{"scantxoutset", `["start"]`}, {"scantxoutset", `["foo"]`}, {"sendrawtransaction", `["00"]`},
			{"sendrawtransaction", `["zz"]`}, {"decoderawtransaction", `["00"]`}, {"submitblock", `["00"]`},
			{"getmempoolentry", `["` + strings.Repeat("1", 64) + `"]`}, {"estimatesmartfee", `[6]`}, {"estimatesmartfee", `[]`},
			{"estimatesmartfee", `[5000]`}, {"validateaddress", `["` + address + `"]`}, {"validateaddress", `["nonsense"]`},
			{"decodescript", `["` + script + `"]`}, {"decodescript", `["6a0401020304"]`}, {"decodescript", `["zz"]`}, {"decodescript", `["4c"]`},
			{"invalidateblock", `["` + strings.Repeat("1", 64) + `"]`}, {"nosuchmethod", `[]`}, {"getindexinfo", `[]`}, {"getconnectioncount", `[]`},
		}
		for _, call := range calls {
			compare(t, ours, theirs, call)
		}
		compareMempool(t, c, ours, theirs)
	})
}

// sortTexts puts a list of ids in an order: nodes list a mempool in their own.
func sortTexts(list any) {
	items, _ := list.([]any)
	slices.SortFunc(items, func(a, b any) int {
		left, _ := a.(string)
		right, _ := b.(string)
		return strings.Compare(left, right)
	})
}

func compare(t *testing.T, ours, theirs *Node, call call) {
	t.Helper()
	have, want := ours.answer(t, call), theirs.answer(t, call)
	if have.status != want.status || (have.Error == nil) != (want.Error == nil) || (have.Error != nil && have.Error.Code != want.Error.Code) {
		t.Errorf("%s %.90s: status %d %+v, want %d %+v", call.method, call.params, have.status, have.Error, want.status, want.Error)
		return
	}
	skip := theirOwn()
	if strings.Contains(call.method, "mempool") {
		skip["-hash"] = true // Knots has it twice
	}
	sortTexts(have.Result)
	sortTexts(want.Result)
	for _, difference := range unlike("", have.Result, want.Result, skip) {
		t.Errorf("%s %.90s: %.300s", call.method, call.params, difference)
	}
}

// compareMempool sends the same transactions to both, again, and in conflict.
func compareMempool(t *testing.T, c *Chain, ours, theirs *Node) {
	spec := TxSpec{Outputs: []Out{{Value: coins.Unit / 10, Script: RandomScript(rand.New(rand.NewPCG(4, 4)), P2PKH)}}, Fee: 1_000_000}
	tx := got(c.NewTx(spec))(t)
	send := func(tx *Tx) call { return call{"sendrawtransaction", `["` + hex.EncodeToString(tx.Raw()) + `"]`} }
	id := `["` + tx.ID().String() + `"`
	rival := *tx
	rival.Outs = slices.Clone(tx.Outs)
	rival.Outs[0].Value -= 1
	rich := rival
	rich.Outs = slices.Clone(tx.Outs)
	rich.Outs[0].Value = 1000 * coins.Unit * 500_000
	lost := *tx
	lost.Ins = slices.Clone(tx.Ins)
	lost.Ins[0].Prev.TxID[0] ^= 1
	for _, call := range []call{
		send(tx), send(tx), {"getrawmempool", `[]`}, {"getmempoolentry", id + `]`}, {"getrawtransaction", id + `]`},
		{"getrawtransaction", id + `,true]`}, {"gettxout", id + `,0]`}, {"gettxout", id + `,0,false]`}, {"getmempoolancestors", id + `]`},
		{"decoderawtransaction", send(tx).params}, {"getrawmempool", `[false,true]`}, {"gettxspendingprevout", `[[{"txid":"` + tx.Ins[0].Prev.TxID.String() + `","vout":0}]]`},
		send(&rival), send(&lost),
	} {
		if call.params != `[false,true]` { // counts what came before too
			compare(t, ours, theirs, call)
		}
	}
	blocks := got(c.Mine(1))(t)
	raw := hex.EncodeToString(got(c.RawBlock(blocks[0].Hash))(t))
	if a := theirs.answer(t, call{"submitblock", `["` + raw + `"]`}); a.Result != nil || a.Error != nil {
		t.Fatal(a.Result, a.Error)
	}
	compare(t, ours, theirs, send(tx))
	compare(t, ours, theirs, call{"submitblock", `["` + raw + `"]`})
	compare(t, ours, theirs, call{"invalidateblock", `["` + blocks[0].Hash.String() + `"]`})
	compare(t, ours, theirs, call{"getchaintips", `[]`})
	compare(t, ours, theirs, call{"getblockheader", `["` + blocks[0].Hash.String() + `"]`})
	compare(t, ours, theirs, call{"getrawmempool", `[]`})
	compare(t, ours, theirs, call{"reconsiderblock", `["` + blocks[0].Hash.String() + `"]`})
	compare(t, ours, theirs, call{"getbestblockhash", `[]`})
}

// TestRealPeers has a real node connect to the simulated one as a peer, sync
// its chain, and follow it: announcements, a reorganisation, transactions.
func TestRealPeers(t *testing.T) {
	kinds := map[string]testnodes.Coin{"btc": testnodes.BTC, "ltc": testnodes.LTC, "doge": testnodes.DOGE}
	eachCoin(t, func(t *testing.T, coin coins.Coin) {
		kind := kinds[string(coin.Params().Symbol)]
		real := testnodes.StartTB(t.Context(), t, testnodes.Options{Coin: kind, NoWallet: true})
		theirs := &Node{RPC: real.RPC, User: real.User, Password: real.Password}
		start := time.Now().Add(-125 * coin.Params().Chain.Interval)
		c := newChain(t, Config{Coin: coin, Seed: 12, TrueWork: true, Start: start})
		must(t, c.Fund(5))
		got(c.Mine(1, ChainOf(3, RandomScript(rand.New(rand.NewPCG(2, 2)), P2PKH), 70_000)))(t)
		n := serve(t, c, Options{})
		plain := `,false` // no encrypted transport
		if kind != testnodes.BTC {
			plain = ``
		}
		if a := theirs.answer(t, call{"addnode", `["` + n.P2P + `","onetry"` + plain + `]`}); a.Error != nil {
			t.Fatalf("%+v", a.Error)
		}
		follow := func() {
			t.Helper()
			tip := c.Tip()
			a := theirs.answer(t, call{"waitforblock", `["` + tip.Hash.String() + `",30000]`})
			if at, _ := a.Result.(map[string]any); at["hash"] != tip.Hash.String() {
				t.Fatalf("the real node is at %v, not %s", a.Result, tip)
			}
		}
		follow()
		got(c.Mine(1))(t)
		follow()
		got(c.Mine(2))(t)
		follow()
		got(c.Reorg(2, 3, Pay(c.OwnScript(), 500_000)))(t)
		follow()
	})
}
