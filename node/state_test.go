package node_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/internal/testnodes"
	"coffer.example/coffer/node"
)

func openReal(t *testing.T, s *testnodes.Node, change func(*node.Options)) *node.Node {
	t.Helper()
	o := node.Options{RPC: s.RPC, User: s.User, Password: s.Password, P2P: s.P2P, REST: true}
	if change != nil {
		change(&o)
	}
	n, err := node.Open(t.Context(), params(t, string(s.Coin)), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func finding(t *testing.T, n *node.Node, check string) node.Finding {
	t.Helper()
	for _, f := range n.Doctor(t.Context()) {
		if f.Check == check {
			return f
		}
	}
	t.Fatalf("the doctor did not check %q", check)
	return node.Finding{}
}

// TestInitialDownload opens a node that has nothing but the genesis block.
func TestInitialDownload(t *testing.T) {
	for _, coin := range []testnodes.Coin{testnodes.BTC, testnodes.LTC, testnodes.DOGE} {
		t.Run(string(coin), func(t *testing.T) {
			n := openReal(t, testnodes.StartTB(t.Context(), t, testnodes.Options{Coin: coin, NoWallet: true}), nil)
			tip, err := n.Tip(t.Context())
			if err != nil || tip.Height != 0 || tip.Hash != n.Chain().Chain.Genesis {
				t.Errorf("tip %s, %v", tip, err)
			}
			if !n.Status().Info.InitialDownload {
				t.Error("not seen to be in initial download")
			}
			for _, transport := range n.Status().Transports {
				if !transport.Usable {
					t.Errorf("%+v", transport)
				}
			}
			if f := finding(t, n, "synchronised"); f.Level != node.LevelAdvice || f.Remedy == "" {
				t.Errorf("%+v", f)
			}
		})
	}
}

// TestPruned asks a pruned node for what it has deleted, over each transport.
func TestPruned(t *testing.T) {
	s := testnodes.StartTB(t.Context(), t, testnodes.Options{Coin: testnodes.BTC, NoWallet: true, Args: []string{"-prune=1", "-fastprune"}})
	const blocks, kept = 700, 288 // files hold about 270 such blocks
	if _, err := s.MineTo(t.Context(), blocks, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Call(t.Context(), "pruneblockchain", blocks-kept); err != nil {
		t.Fatal(err)
	}
	n := openReal(t, s, nil)
	info := n.Status().Info
	if !info.Pruned || info.PruneHeight == 0 {
		t.Fatalf("info %+v", info)
	}
	for name, narrow := range map[string]func(*node.Options){
		"rest": func(o *node.Options) { o.P2P = "" },
		"p2p":  func(o *node.Options) { o.REST = false },
		"rpc":  func(o *node.Options) { o.REST, o.P2P = false, "" },
	} {
		n := openReal(t, s, narrow)
		id, err := n.BlockAt(t.Context(), info.PruneHeight-1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Block(t.Context(), id, nil); !errors.Is(err, node.ErrPruned) {
			t.Errorf("%s: got %v, want ErrPruned", name, err)
		}
		if got := n.Status().Transport; string(got) != name {
			t.Errorf("%s was given up for a pruned block: %+v", name, n.Status().Transports)
		}
	}
	if f := finding(t, n, "pruned"); f.Level != node.LevelAdvice || !strings.Contains(f.Text, strconv.Itoa(int(info.PruneHeight))) {
		t.Errorf("%+v", f)
	}
}

// TestComesUpLater opens a client before its node is there.
func TestComesUpLater(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	f := newFake(t)
	o := f.options()
	o.RPC, o.Deferred, o.RetryMin, o.RetryMax = "http://"+address, true, time.Millisecond, 10*time.Millisecond
	n, err := node.Open(t.Context(), params(t, "doge"), o)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	eventually(t, func() bool { return errors.Is(n.Status().Err, node.ErrUnreachable) })
	eventually(t, func() bool { // another process may have the port for a moment
		l, err = net.Listen("tcp", address)
		return err == nil
	})
	late := newFakeOn(t, l)
	eventually(t, func() bool {
		s := n.Status()
		return s.Reachable && s.Transport == node.RPC && s.Info.Tip == late.chain[138].id()
	})
}

// TestNodeConfig has real nodes read the settings that we recommend.
func TestNodeConfig(t *testing.T) {
	for _, coin := range []testnodes.Coin{testnodes.BTC, testnodes.LTC, testnodes.DOGE} {
		t.Run(string(coin), func(t *testing.T) {
			testnodes.Require(t, coin)
			text := node.NodeConfig(params(t, string(coin)))
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			text = strings.ReplaceAll(text, "127.0.0.1:28332", l.Addr().String())
			text = strings.ReplaceAll(text, "rpcbind=127.0.0.1\n", "") // the test's own binds it already
			l.Close()
			dir := t.TempDir()
			path := filepath.Join(dir, "node.conf")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s := testnodes.StartTB(t.Context(), t, testnodes.Options{Coin: coin, NoWallet: true, DataDir: dir, Args: []string{"-conf=" + path}})
			n := openReal(t, s, nil)
			log, err := os.ReadFile(filepath.Join(dir, "regtest", "debug.log"))
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(log)) {
				if strings.Contains(line, "Ignoring unknown configuration value") && (s.ZMQ != "" || !strings.Contains(line, "zmq")) {
					t.Error(line)
				}
			}
			if has, err := n.Has(t.Context(), "getwalletinfo"); err != nil || has {
				t.Errorf("the settings were not read: wallet calls %t, %v", has, err)
			}
		})
	}
}

// TestNodeConfigDialects reads the settings of each coin and network.
func TestNodeConfigDialects(t *testing.T) {
	main := params(t, "btc")
	main.Network = coins.Main
	cases := []struct {
		name       string
		p          *coins.Params
		with, sans []string
	}{
		{"bitcoin main", main, []string{"rest=1", "whitelist=noban@127.0.0.1", "zmqpubrawtx="}, []string{"regtest", "[", "rpcpassword"}},
		{"bitcoin regtest", params(t, "btc"), []string{"regtest=1", "[regtest]", "rpcport=18443", "port=18444"}, nil},
		{"litecoin regtest", params(t, "ltc"), []string{"litecoind", "rpcport=19443", "noban@"}, nil},
		{"dogecoin regtest", params(t, "doge"), []string{"dogecoind", "regtest=1", "whitelist=127.0.0.1"}, []string{"[regtest]", "noban@", "hwm", "sequence"}},
	}
	for _, c := range cases {
		text := node.NodeConfig(c.p)
		for _, want := range c.with {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing in\n%s", c.name, want, text)
			}
		}
		for _, unwanted := range c.sans {
			if strings.Contains(text, unwanted) {
				t.Errorf("%s: %q is in\n%s", c.name, unwanted, text)
			}
		}
	}
}
