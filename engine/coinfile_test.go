package engine_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/coinstest"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
)

const appleByte = "../examples/applebyte/applebyte.yaml"

// The worked example passes what every coin must pass.
func TestDescribedCoin(t *testing.T) {
	file, err := engine.LoadCoinFile(appleByte)
	if err != nil {
		t.Fatal(err)
	}
	coin, err := file.Coin(coins.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	coinstest.Run(t, coin, coinstest.Options{
		Dust:     map[coins.ScriptType]coins.Amount{coins.PubKeyHash: 546, coins.ScriptHash: 540, coins.NullData: 0},
		Maturity: map[coins.Height]coins.Height{0: 100, 1_000_000: 100},
		Foreign:  []string{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bcrt1qqyqszqgpqyqszqgpqyqszqgpqyqszqgpvxat9t", "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L"},
	})
	if _, err := file.Coin(coins.Main); !errors.Is(err, coins.ErrNetwork) {
		t.Errorf("a network that it does not describe: %v", err)
	}
}

// Every fault of a parameter file is told of at once, with its line.
func TestCoinFileFaults(t *testing.T) {
	text, err := os.ReadFile(appleByte)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name     string
		old, new string
		want     []string
	}{
		{"nothing", string(text), "", []string{"is empty"}},
		{"unknown keys", "segwit: false ", "segwyt: false ", []string{"networks.regtest.segwyt: unknown key; did you mean segwit?", "networks.regtest.segwit: is missing"}},
		{"built in", "symbol: aby", "symbol: btc", []string{"btc is a coin that Coffer has"}},
		{"symbol", "symbol: aby", "symbol: A", []string{"not of 2 to 8 lower case letters"}},
		{"network", "  regtest:", "  moon:", []string{"networks.moon: is not one of"}},
		{"values", "p2pkh: [23]", "p2pkh: [256]", []string{"networks.regtest.address.p2pkh[1]: \"256\" is not a whole number from 0 to 255"}},
		{"hex", `hd_public: "043587cf"`, "hd_public: xyz", []string{`address.hd_public: "xyz" is not of 8 hexadecimal digits`}},
		{"amount", `max_money: "21000000"`, `max_money: "1e9"`, []string{"chain.max_money: "}},
		{"contradictions", "segwit: false ", "segwit: true ", []string{"segwit and the human readable part \"\" contradict each other"}},
		{"genesis", "nonce: 2", "nonce: 3", []string{"genesis header hashes to"}},
		{"several", "p2sh: [196]", "p2sh: [23]\n      wift: 1", []string{"wift: unknown key; did you mean wif?"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(string(text), test.old) {
				t.Fatalf("the example has no %q", test.old)
			}
			_, err := engine.ParseCoinFile("x.yaml", []byte(strings.Replace(string(text), test.old, test.new, 1)))
			if !errors.Is(err, engine.ErrConfig) {
				t.Fatalf("%v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %q", err, want)
				}
			}
		})
	}
	_, err = engine.ParseCoinFile("x.yaml", []byte("symbol: A\nnetworks: {regtest: {segwit: maybe}}\n"))
	var faults *engine.ConfigError
	if !errors.As(err, &faults) || len(faults.Faults) < 8 {
		t.Errorf("not all at once: %v", err)
	}
}

// A configuration that names a parameter file has its faults among its own.
func TestConfiguredCoinFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bad.yaml"), []byte("symbol: aby\nname: AppleByte\nnetworks: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs(appleByte)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ symbol, params, network, want string }{
		{"aby", path, "regtest", ""},
		{"aby", path, "main", `"main" is not one of regtest`},
		{"abz", path, "regtest", "describes aby, and the coin here is called abz"},
		{"aby", filepath.Join(dir, "none.yaml"), "regtest", "no such file"},
		{"aby", filepath.Join(dir, "bad.yaml"), "regtest", "bad.yaml:3: networks: is empty"},
	} {
		text := fmt.Sprintf("data_dir: %s\ncoins:\n  %s: {params: %q, network: %s, nodes: [{rpc: 'http://127.0.0.1', user: u, password: p}]}\n", dir, test.symbol, test.params, test.network)
		config, err := parse(t, text, nil)
		if test.want != "" {
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%+v: %v", test, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if c := config.Coins[0]; c.Confirmations != 20 || c.MaxReorg != 1440 || c.Nodes[0].RPC != "http://127.0.0.1:18443" {
			t.Errorf("defaults: %+v", c)
		}
	}
	_, err = parse(t, "data_dir: d\ncoins: {aby: {network: main}}\n", nil)
	if err == nil || !strings.Contains(err.Error(), "others are described by a file") {
		t.Errorf("%v", err)
	}
}

// A described coin is followed as any other: deposit, reorg, rescan, what a key derives.
func TestFollowDescribedCoin(t *testing.T) {
	file, err := engine.LoadCoinFile(appleByte)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldOf(t, file, 110)
	address, script := w.address(1)
	if !strings.HasPrefix(address, "A") {
		t.Errorf("address %s", address)
	}
	w.run()
	w.atTip()
	if _, err := w.engine.ImportAddresses(t.Context(), "aby", engine.ImportRequest{Addresses: []string{address}, From: "none"}); err != nil {
		t.Fatal(err)
	}
	w.mine(1, simnode.Pay(script, 5))
	w.until("deposit", func() (bool, error) { return w.balance(address).Confirmed.String() == "0.00000005", nil })
	if _, err := w.engine.ImportXpub(t.Context(), "aby", engine.XpubRequest{Key: tpub, From: "none"}); err != nil {
		t.Fatal(err)
	}
	next, err := w.engine.NextAddress(t.Context(), "aby", 1, engine.NextRequest{})
	if err != nil || !strings.HasPrefix(next.Address, "A") {
		t.Fatalf("%+v, %v", next, err)
	}
	paid, err := w.coin.Script(next.Address)
	if err != nil {
		t.Fatal(err)
	}
	w.mine(1, simnode.Pay(paid, 7))
	w.until("deposit at what the key derives", func() (bool, error) { return w.balance(next.Address).Confirmed.String() == "0.00000007", nil })
	w.sound()
}
