package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coffer.example/coffer/engine"
)

func parse(t *testing.T, text string, env map[string]string) (*engine.Config, error) {
	t.Helper()
	return engine.ParseConfig("coffer.yaml", []byte(text), func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
}

func TestDefaultsAreTheCoins(t *testing.T) {
	config, err := parse(t, `
data_dir: ./data
coins:
  doge:
    network: main
    nodes: [{rpc: "http://127.0.0.1", user: u, password: "${PW}x$${PW}"}]
  ltc:
    network: regtest
    start: 12
    poll_interval: 500ms
    nodes:
      - {rpc: "http://127.0.0.1:1/", zmq: "tcp://127.0.0.1:2", p2p: "localhost:3", rest: true, cookie_file: c}
`, map[string]string{"PW": "secret"})
	if err != nil {
		t.Fatal(err)
	}
	doge, ltc := config.Coins[0], config.Coins[1]
	if doge.Confirmations != 40 || doge.FinalDepth != 60 || doge.MaxReorg != 2880 || !doge.Start.Tip || doge.Verify != "merkle" {
		t.Errorf("doge defaults: %+v", doge)
	}
	if node := doge.Nodes[0]; node.RPC != "http://127.0.0.1:22555" || node.Password.Reveal() != "secretx${PW}" {
		t.Errorf("doge node: %s %q", node.RPC, node.Password.Reveal())
	}
	if ltc.Start.Tip || ltc.Start.Height != 12 || ltc.PollInterval != 500*time.Millisecond || ltc.Nodes[0].RPC != "http://127.0.0.1:1" {
		t.Errorf("ltc: %+v", ltc)
	}
	if dir, _ := filepath.Abs("data"); config.DataDir != dir || ltc.Nodes[0].CookieFile != filepath.Join(filepath.Dir(dir), "c") {
		t.Errorf("paths are not relative to the file: %s, %s", config.DataDir, ltc.Nodes[0].CookieFile)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	config, err := parse(t, `
data_dir: d
coins:
  btc:
    network: main
    nodes: [{rpc: "http://h", user: u, password: hunter2, headers: {x-token: hunter3}}]
`, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{string(text), fmt.Sprintf("%v %+v %#v", config.Coins, config.Coins, config.Coins)} {
		if strings.Contains(printed, "hunter") {
			t.Errorf("a secret is printed: %s", printed)
		}
	}
}

func TestEveryFaultAtOnce(t *testing.T) {
	_, err := parse(t, `data_dri: ./data
database: {url: "sqlite:x"}
coins:
  btc:
    network: mainnet
    nodes:
      - rpc: http://user:hunter2@127.0.0.1:8332
        zqm: tcp://127.0.0.1:28332
      - user: u
        password: ${NOT_SET}
        zmq: [127.0.0.1:28332]
        p2p: "8333"
        rest: yes please
    pol_interval: 3
    poll_interval: 3
    index: some
    start: now
  ltc:
    network: main
    confirmations: 9
    confirmations: 9
    final_depth: 5
    max_reorg: 4
    fee: {target: 6}
    nodes: []
  eth: {network: main}
`, nil)
	var faults *engine.ConfigError
	if !errors.As(err, &faults) || !errors.Is(err, engine.ErrConfig) {
		t.Fatalf("got %v", err)
	}
	want := []string{
		`coffer.yaml:1: data_dri: unknown key; did you mean data_dir?`,
		`coffer.yaml:1: data_dir: is missing`,
		`coffer.yaml:2: database: this version has no ledger yet; remove the key`,
		`coffer.yaml:5: coins.btc.network: "mainnet" is not one of main, test, testnet4, signet, regtest`,
		`coffer.yaml:7: coins.btc.nodes[1].rpc: carries a password: give it as user and password (or password_file, cookie_file) instead`,
		`coffer.yaml:8: coins.btc.nodes[1].zqm: unknown key; did you mean zmq?`,
		`coffer.yaml:9: coins.btc.nodes[2]: has no rpc address, as in rpc: http://127.0.0.1:8332`,
		`coffer.yaml:10: coins.btc.nodes[2].password: the environment has no variable "NOT_SET"`,
		`coffer.yaml:11: coins.btc.nodes[2].zmq[1]: "127.0.0.1:28332" is not of the form tcp://HOST:PORT`,
		`coffer.yaml:12: coins.btc.nodes[2].p2p: "8333" is not of the form HOST:PORT, as in 127.0.0.1:8333`,
		`coffer.yaml:13: coins.btc.nodes[2].rest: "yes please" is neither true nor false`,
		`coffer.yaml:14: coins.btc.pol_interval: unknown key; did you mean poll_interval?`,
		`coffer.yaml:15: coins.btc.poll_interval: "3" is not a time with a unit, as in 500ms, 30s or 2m`,
		`coffer.yaml:16: coins.btc.index: "some" is neither watched nor all`,
		`coffer.yaml:17: coins.btc.start: "now" is neither tip, genesis nor a height`,
		`coffer.yaml:19: coins.ltc: confirmations (9) is more than final_depth (5): a deposit cannot be credited after it is final`,
		`coffer.yaml:19: coins.ltc: final_depth (5) is more than max_reorg (4): what is not final yet must be undoable`,
		`coffer.yaml:21: coins.ltc.confirmations: is given twice, first in line 20`,
		`coffer.yaml:24: coins.ltc.fee: this version has no payouts yet; remove the key`,
		`coffer.yaml:25: coins.ltc.nodes: is empty: name at least one node, with its rpc address`,
		`coffer.yaml:26: coins.eth: is not a coin that Coffer knows: btc, ltc, doge; others are described by a file, as params: FILE`,
	}
	if got := err.Error(); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestWholeFileFaults(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "coffer.yaml: is empty; `coffer init` writes one to start from"},
		{"only comments", "# nothing\n", "coffer.yaml: is empty; `coffer init` writes one to start from"},
		{"not a mapping", "- a\n", "coffer.yaml:1: must be a group of `key: value` lines, not a list"},
		{"not yaml", "a: b\n\tc: d\n", "coffer.yaml:2: not YAML: found a tab character that violates indentation"},
		{"no coins", "data_dir: d\ncoins: {}\n", "coffer.yaml:2: coins: is empty: configure at least one of btc, ltc, doge"},
		{"null coins", "data_dir: d\ncoins:\n", "coffer.yaml:2: coins: must be a group of `key: value` lines, not nothing"},
		{"long socket", "data_dir: /" + strings.Repeat("x", 100) + "\ncoins: {}\n",
			"coffer.yaml:1: data_dir: /" + strings.Repeat("x", 100) + "/coffer.sock is 113 bytes long, and a unix socket's path has room for 107: " +
				"choose a shorter folder\ncoffer.yaml:2: coins: is empty: configure at least one of btc, ltc, doge"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := parse(t, test.text, nil); err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestExampleIsRight(t *testing.T) {
	config, err := engine.LoadConfig(filepath.Join("..", "coffer.yaml"), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	if len(config.Coins) != len(engine.Symbols()) {
		t.Errorf("the example shows %d of %d coins", len(config.Coins), len(engine.Symbols()))
	}
}

func TestNoConfig(t *testing.T) {
	if _, err := engine.LoadConfig(filepath.Join(t.TempDir(), "x.yaml"), os.LookupEnv); !errors.Is(err, engine.ErrNoConfig) {
		t.Errorf("got %v", err)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add("data_dir: d\ncoins: {btc: {network: main, nodes: [{rpc: 'http://h'}]}}")
	f.Add("a: &a [*a]")
	f.Add("coins: &c {btc: *c}")
	f.Fuzz(func(t *testing.T, text string) {
		config, err := engine.ParseConfig("f", []byte(text), func(string) (string, bool) { return "", false })
		if (config == nil) == (err == nil) {
			t.Fatalf("config %v, error %v", config, err)
		}
	})
}
