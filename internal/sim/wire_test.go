package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/internal/simnode"
	nodes "coffer.example/coffer/node"
	"coffer.example/coffer/scanner"
	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

// TestMishaps lets a simulated node go wrong on the wire, in one way after the
// other and in all at once, while its chain moves. When it has come to its
// senses the index stands at its tip and holds what its coin set holds.
func TestMishaps(t *testing.T) {
	every := map[string]simnode.Faults{
		"busy": simnode.Always(simnode.Busy()), "cut short": simnode.Always(simnode.CutShort(40)), "hung up": simnode.Always(simnode.HungUp()),
		"nonsense": simnode.Always(simnode.Nonsense()), "oversize": simnode.Always(simnode.Oversize(5 << 20)),
		"late": simnode.Always(simnode.Late(40 * time.Millisecond)), "silent": simnode.Always(simnode.Silent()),
		"doubled": simnode.Always(simnode.Doubled()), "stale": simnode.Stale(),
	}
	var all []simnode.Faults
	for _, name := range sortedNames(every) {
		all = append(all, every[name])
		t.Run(name, func(t *testing.T) { t.Parallel(); survive(t, 30, every[name]) })
	}
	t.Run("all", func(t *testing.T) { t.Parallel(); survive(t, 40, all...) })
}

func sortedNames(m map[string]simnode.Faults) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func survive(t *testing.T, percent int, kinds ...simnode.Faults) {
	t.Helper()
	coin, err := btc.New(coins.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := simnode.NewChain(simnode.Config{Coin: coin, Seed: 1})
	if err == nil {
		err = chain.Fund(10)
	}
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	served, err := simnode.Serve(t.Context(), chain, simnode.Options{Faults: simnode.Until(over, simnode.Seeded(7, percent, kinds...))})
	if err != nil {
		t.Fatal(err)
	}
	defer served.Close()
	client, err := nodes.Open(t.Context(), coin.Params(), nodes.Options{
		RPC: served.RPC, User: served.User, Password: served.Password, P2P: served.P2P, REST: true, Deferred: true,
		CallTimeout: 200 * time.Millisecond, BlockTimeout: 200 * time.Millisecond, RetryMin: time.Millisecond, RetryMax: 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	index, err := utxo.Open(t.Context(), memkv.New(storeRows), coin, utxo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	script := simnode.RandomScript(rand.New(rand.NewPCG(1, 1)), simnode.P2PKH)
	if _, err := index.Watch(t.Context(), []utxo.WatchSpec{{Script: script}}, nil); err != nil {
		t.Fatal(err)
	}
	follow := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer cancel()
		return scanner.New(client, index, scanner.Options{Params: coin.Params(), CheckTarget: true, PrefetchBlocks: 4}).CatchUp(ctx)
	}
	activity := simnode.NewActivity(chain, 3, script)
	for range 4 {
		for range 5 {
			if _, err := activity.Step(); err != nil {
				t.Fatal(err)
			}
		}
		_ = follow() // it goes as far as the node lets it
	}
	close(over)
	limit, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for err := follow(); err != nil; err = follow() {
		if limit.Err() != nil {
			t.Fatalf("it does not recover: %v", err)
		}
	}
	same(t, index, chain, script)
}

// same holds the index to the coin set of the chain.
func same(t *testing.T, index *utxo.Index, chain *simnode.Chain, script []byte) {
	t.Helper()
	if tip, _, err := index.Tip(t.Context()); err != nil || tip != chain.Tip() {
		t.Fatalf("the index stands at %s, the node at %s: %v", tip, chain.Tip(), err)
	}
	var want []string
	for _, c := range chain.UTXOs(script) {
		id, _ := chain.BlockID(c.Height)
		want = append(want, fmt.Sprintf("%s %d %s", c.OutPoint, int64(c.Value), id))
	}
	slices.Sort(want)
	got, err := coinsOf(t.Context(), index, string(script))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("coins\n%s\nwant\n%s\n%v", listed(got), listed(want), err)
	}
	if err := index.Check(t.Context(), func(string, int) {}); err != nil {
		t.Error(err)
	}
}
