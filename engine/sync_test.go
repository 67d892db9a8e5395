package engine_test

import (
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
)

// TestWhileSyncing asks for balances and imports addresses while blocks come as fast as they can. A balance is that of
// the tip it names, and every address ends with all that was paid to it.
func TestWhileSyncing(t *testing.T) {
	const before, paying, addresses = 110, 400, 9
	w := newWorld(t, "btc", before, "    start: genesis\n")
	var names []string
	var contents []simnode.Content
	for n := range byte(addresses) {
		address, script := w.address(n + 1)
		names = append(names, address)
		contents = append(contents, simnode.Pay(script, 1))
	}
	for range paying {
		w.mine(1, contents...)
	}
	w.mine(3)
	imported := func(address string) {
		t.Helper()
		if _, err := w.engine.ImportAddresses(t.Context(), w.symbol, engine.ImportRequest{Addresses: []string{address}}); err != nil {
			t.Fatal(err)
		}
	}
	imported(names[0])
	w.run()
	rest, asked := names[1:], coins.Height(0)
	w.until("all imported and at the tip", func() (bool, error) {
		for range 20 {
			b := w.balance(names[0])
			if b.Tip == nil || b.Tip.Height < before || b.Scanning {
				continue
			}
			asked = b.Tip.Height
			want := min(asked-before, paying)
			if b.Confirmed != coins.TotalOf(coins.Amount(want)) {
				t.Fatalf("at block %d the balance is %s, paid were %d", b.Tip.Height, b.Confirmed, want)
			}
			if len(rest) > 0 && asked >= before+coins.Height(len(names)-len(rest))*40 {
				imported(rest[0])
				rest = rest[1:]
			}
		}
		return len(rest) == 0 && asked == w.chain.Tip().Height, nil
	})
	for _, address := range names {
		w.until("its past was read", func() (bool, error) { return !w.balance(address).Scanning, nil })
		if b := w.balance(address); b.Confirmed != coins.TotalOf(paying) {
			t.Errorf("%s holds %s of %d paid", address, b.Confirmed, paying)
		}
	}
	w.sound()
}
