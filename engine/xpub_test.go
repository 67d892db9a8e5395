package engine_test

import (
	"strings"
	"sync"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/descriptor"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
)

// tpub is an account key of BIP 49's vectors.
const tpub = "tpubDD7tXK8KeQ3YY83yWq755fHY2JW8Ha8Q765tknUM5rSvjPcGWfUppDFMpQ1ScziKfW3ZNtZvAD7M3u7bSs7HofjTD3KP3YxPK7X6hwV8Rk2"

// derived returns a script of what tpub stands for, and its address.
func (w *world) derived(branch, index uint32) (address string, script []byte) {
	w.t.Helper()
	d, err := descriptor.Parse(tpub, w.coin)
	if err != nil {
		w.t.Fatal(err)
	}
	if script, err = d.Script(branch, index); err != nil {
		w.t.Fatal(err)
	}
	address, _ = w.coin.Address(script)
	return address, script
}

// A key's past is read with what it derives on the way; what is paid later extends it; a rebuild leads to the same.
func TestXpub(t *testing.T) {
	for _, test := range []struct {
		symbol coins.Symbol
		branch uint32
	}{{"btc", 4}, {"ltc", 6}, {"doge", 0}} {
		t.Run(string(test.symbol), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.symbol, 110, "")
			early, script := w.derived(test.branch, 150)
			w.mine(1, simnode.Pay(script, 5)) // before what makes the key derive it
			_, script = w.derived(test.branch, 95)
			w.mine(1, simnode.Pay(script, 7))
			w.mine(5)
			w.run()
			w.atTip()
			result, err := w.engine.ImportXpub(t.Context(), w.symbol, engine.XpubRequest{Key: tpub, Label: "shop"})
			if err != nil || result.Job == nil || result.Known || result.Added != 100*len(result.Xpub.Branches) {
				t.Fatalf("import: %+v, %v", result, err)
			}
			w.until("past read", func() (bool, error) {
				x, err := w.engine.Xpub(t.Context(), w.symbol, result.Xpub.ID)
				return x.State == "live", err
			})
			if b := w.balance(early); b.Confirmed.String() != "0.00000005" || b.Scanning {
				t.Errorf("derived on the way: %+v", b)
			}
			late, script := w.derived(test.branch, 190)
			far, beyond := w.derived(test.branch, 260)
			w.mine(1, simnode.Pay(beyond, 1), simnode.Pay(script, 9))
			w.atTip()
			if b := w.balance(late); b.Confirmed.String() != "0.00000009" {
				t.Errorf("derived before: %+v", b)
			}
			if b := w.balance(far); b.Confirmed.String() != "0.00000001" {
				t.Errorf("derived by the block that pays it: %+v", b)
			}
			w.sound()
			w.listed(late, test.branch)
			if _, err := w.engine.RebuildIndex(t.Context(), w.symbol); err != nil {
				t.Fatal(err)
			}
			w.until("rebuilt", func() (bool, error) {
				total, err := w.engine.Balance(t.Context(), w.symbol, "")
				return total.Confirmed.String() == "0.00000022" && !total.Scanning, err
			})
			w.sound()
		})
	}
}

// listed checks what the lists say of a derived address.
func (w *world) listed(address string, branch uint32) {
	w.t.Helper()
	list, err := w.engine.Watches(w.t.Context(), w.symbol, engine.WatchQuery{Page: engine.Page{Limit: engine.MaxPage}})
	if err != nil {
		w.t.Fatal(err)
	}
	found := false
	for _, watch := range list.Watches {
		if watch.Address == address {
			found = len(watch.Origins) == 1 && watch.Origins[0].Xpub == 1 && watch.Origins[0].Branch == branch && watch.Origins[0].Index == 190 &&
				strings.HasSuffix(watch.Origins[0].Path, "0/190")
		}
	}
	if !found {
		w.t.Errorf("%s is not listed as derived", address)
	}
	xpubs, err := w.engine.Xpubs(w.t.Context(), w.symbol, engine.Page{})
	if err != nil || len(xpubs.Xpubs) != 1 || xpubs.Xpubs[0].Label != "shop" || xpubs.Xpubs[0].Branches[branch].Used != 261 {
		w.t.Errorf("%+v, %v", xpubs, err)
	}
	if _, err := w.engine.RemoveWatches(w.t.Context(), w.symbol, []string{address}); engine.CodeOf(err) != engine.CodeConflict {
		w.t.Errorf("removed what is derived: %v", err)
	}
}

// Many ask for addresses at once: each gets its own, also after the folder was opened again.
func TestNextAddress(t *testing.T) {
	w := newWorld(t, "btc", 20, "    start: genesis\n")
	if err := w.engine.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.engine.ImportXpub(t.Context(), "btc", engine.XpubRequest{Key: tpub, From: "none"}); err != nil {
		t.Fatal(err)
	}
	given := map[string]bool{}
	var mu sync.Mutex
	ask := func(times int) {
		for range times {
			next, err := w.engine.NextAddress(t.Context(), "btc", 1, engine.NextRequest{})
			mu.Lock()
			if err != nil || given[next.Address] || !strings.HasPrefix(next.Address, "bcrt1q") || !strings.HasPrefix(next.Path, "wpkh 0/") {
				t.Errorf("%+v, %v", next, err)
			}
			given[next.Address] = true
			mu.Unlock()
		}
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() { ask(30) })
	}
	group.Wait()
	if err := w.engine.Close(); err != nil {
		t.Fatal(err)
	}
	w.open()
	ask(10)
	if len(given) != 130 {
		t.Errorf("%d addresses given out", len(given))
	}
	for address := range given {
		if _, err := w.engine.Balance(t.Context(), "btc", address); err != nil {
			t.Errorf("given out and not watched: %v", err)
		}
	}
	w.sound()
}

func TestBadXpub(t *testing.T) {
	w := newWorld(t, "btc", 20, "    start: genesis\n")
	imports := func(key string) error {
		_, err := w.engine.ImportXpub(t.Context(), "btc", engine.XpubRequest{Key: key, From: "none"})
		return err
	}
	next := func(id engine.XpubID, branch uint32) error {
		_, err := w.engine.NextAddress(t.Context(), "btc", id, engine.NextRequest{Branch: &branch})
		return err
	}
	secret := "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK"
	if err := imports("combo(" + tpub + "/<0;1>/*)"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		err  error
		want engine.Code
	}{
		{"no key", imports("hello"), engine.CodeInput},
		{"an address", imports("bcrt1qqyqszqgpqyqszqgpqyqszqgpqyqszqgpvxat9t"), engine.CodeInput},
		{"another network's", imports("xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL"), engine.CodeInput},
		{"a private key", imports(secret), engine.CodeInput},
		{"a hardened step", imports("pkh(" + tpub + "/0h/*)"), engine.CodeInput},
		{"no such xpub", next(9, 0), engine.CodeNotFound},
		{"no such branch", next(1, 8), engine.CodeInput},
		{"a branch without addresses", next(1, 0), engine.CodeInput},
	} {
		if got := engine.CodeOf(test.err); got != test.want || test.err == nil {
			t.Errorf("%s: %s (%v), want %s", test.name, got, test.err, test.want)
		}
		if test.err != nil && strings.Contains(test.err.Error(), secret[4:20]) {
			t.Errorf("the message shows the key: %v", test.err)
		}
	}
}
