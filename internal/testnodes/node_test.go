package testnodes_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"coffer.example/coffer/internal/testnodes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

var genesis = map[testnodes.Coin]string{
	testnodes.BTC:  "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
	testnodes.LTC:  "530827f38f93b43ed12af0b3ad25a288dc02ed74d6d7857862df51fc56c416f9",
	testnodes.DOGE: "3d2160a3b5dc4a9d62e7e66a295f70313ac808440ef7400d6c0772171ce973a5",
}

func TestEveryCoin(t *testing.T) {
	for coin, hash := range genesis {
		t.Run(string(coin), func(t *testing.T) {
			ctx := testContext(t)
			n := testnodes.StartTB(ctx, t, testnodes.Options{Coin: coin, TxIndex: true})
			if got, err := n.BlockHash(ctx, 0); err != nil || got != hash {
				t.Fatalf("genesis %s, %v; want %s", got, err, hash)
			}
			payAndMine(ctx, t, n)
			survivesRestart(ctx, t, n)
			readsREST(ctx, t, n)
		})
	}
}

func payAndMine(ctx context.Context, t *testing.T, n *testnodes.Node) {
	t.Helper()
	must(t, n.Fund(ctx, 2))
	address, err := n.NewAddress(ctx)
	must(t, err)
	if n.Coin == testnodes.BTC && !strings.HasPrefix(address, "bcrt1") {
		t.Fatalf("the wallet gives %s, want bech32 from every Bitcoin node", address)
	}
	txid, err := n.Send(ctx, address, "1.25")
	must(t, err)
	must(t, n.InMempool(ctx, txid))
	hashes, err := n.Mine(ctx, 1)
	must(t, err)
	raw, err := n.Call(ctx, "getblock", hashes[0])
	must(t, err)
	var block struct{ Tx []string }
	must(t, json.Unmarshal(raw, &block))
	if len(block.Tx) != 2 || block.Tx[1] != txid {
		t.Fatalf("block has %v, want the coinbase and %s", block.Tx, txid)
	}
}

func survivesRestart(ctx context.Context, t *testing.T, n *testnodes.Node) {
	t.Helper()
	before, err := n.Tip(ctx)
	must(t, err)
	old := n.PID()
	must(t, n.Restart(ctx))
	after, err := n.Tip(ctx)
	must(t, err)
	if before != after || n.PID() == old {
		t.Fatalf("tip %s became %s, process %d became %d", before, after, old, n.PID())
	}
	if _, err := n.Mine(ctx, 1); err != nil {
		t.Fatalf("the wallet is gone after a restart: %v", err)
	}
	must(t, n.Kill())
	if _, err := n.Tip(ctx); !errors.Is(err, testnodes.ErrStopped) {
		t.Fatalf("a killed node answered: %v", err)
	}
	must(t, n.Restart(ctx))
}

func readsREST(ctx context.Context, t *testing.T, n *testnodes.Node) {
	t.Helper()
	tip, err := n.Tip(ctx)
	must(t, err)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/block/%s.bin", n.REST(), tip), nil)
	must(t, err)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || len(body) < 80 {
		t.Fatalf("REST: %s, %d bytes, %v", resp.Status, len(body), err)
	}
}

func TestCookieWorksBesidePassword(t *testing.T) {
	ctx := testContext(t)
	n := testnodes.StartTB(ctx, t, testnodes.Options{Coin: testnodes.BTC, NoWallet: true})
	cookie, err := os.ReadFile(n.CookieFile)
	if err != nil || len(cookie) == 0 {
		t.Fatalf("cookie %q, %v", cookie, err)
	}
	user, password, _ := strings.Cut(string(cookie), ":")
	for _, c := range []struct {
		user, password string
		taken          bool
	}{{user, password, true}, {n.User, n.Password, true}, {n.User, "wrong", false}} {
		client := testnodes.NewClient(n.RPC, c.user, c.password)
		_, err := client.Call(ctx, "getblockcount")
		client.Close()
		if (err == nil) != c.taken {
			t.Errorf("user %s: %v, want taken %v", c.user, err, c.taken)
		}
	}
}

func TestRPCErrorIsTyped(t *testing.T) {
	ctx := testContext(t)
	n := testnodes.StartTB(ctx, t, testnodes.Options{Coin: testnodes.BTC, NoWallet: true})
	_, err := n.Call(ctx, "getblockhash", 1000)
	var refused *testnodes.RPCError
	if !errors.As(err, &refused) || refused.Code != -8 || refused.Method != "getblockhash" {
		t.Fatalf("got %v, want code -8 of getblockhash", err)
	}
}

func TestBadArgumentTellsWhy(t *testing.T) {
	testnodes.Require(t, testnodes.BTC)
	_, err := testnodes.Start(testContext(t), testnodes.Options{Coin: testnodes.BTC, Args: []string{"-dbcache=1", "-nosuchoption=1"}})
	if err == nil || !strings.Contains(err.Error(), "nosuchoption") {
		t.Fatalf("got %v, want what the node said of its unknown option", err)
	}
}

func TestTwoNodesCompete(t *testing.T) {
	for _, coin := range []testnodes.Coin{testnodes.BTC, testnodes.LTC} {
		t.Run(string(coin), func(t *testing.T) {
			ctx := testContext(t)
			a := testnodes.StartTB(ctx, t, testnodes.Options{Coin: coin})
			b := testnodes.StartTB(ctx, t, testnodes.Options{Coin: coin})
			must(t, a.ConnectTo(ctx, b))
			_, err := a.Mine(ctx, 3)
			must(t, err)
			must(t, a.WaitSynced(ctx, b))
			must(t, a.DisconnectFrom(ctx, b))
			_, err = a.Mine(ctx, 2)
			must(t, err)
			longer, err := b.Mine(ctx, 4)
			must(t, err)
			must(t, a.ConnectTo(ctx, b))
			must(t, a.WaitSynced(ctx, b))
			if tip, err := a.Tip(ctx); err != nil || tip != longer[3] {
				t.Fatalf("tip %s, %v; want the longer branch's %s", tip, err, longer[3])
			}
		})
	}
}

func TestInvalidateAndReconsider(t *testing.T) {
	ctx := testContext(t)
	n := testnodes.StartTB(ctx, t, testnodes.Options{Coin: testnodes.BTC})
	_, err := n.Mine(ctx, 10)
	must(t, err)
	hash, err := n.Invalidate(ctx, 4)
	must(t, err)
	if h, err := n.Height(ctx); err != nil || h != 3 {
		t.Fatalf("height %d, %v; want 3", h, err)
	}
	must(t, n.Reconsider(ctx, hash))
	if h, err := n.Height(ctx); err != nil || h != 10 {
		t.Fatalf("height %d, %v; want 10", h, err)
	}
}

func TestLitecoinWithoutMWEBPasses431(t *testing.T) {
	ctx := testContext(t)
	n := testnodes.StartTB(ctx, t, testnodes.Options{Coin: testnodes.LTC})
	if hashes, err := n.Mine(ctx, 440); err != nil || len(hashes) != 440 {
		t.Fatalf("mined %d, %v", len(hashes), err)
	}
	if err := n.ActivateMWEB(ctx); !errors.Is(err, testnodes.ErrUnsupported) {
		t.Fatalf("ActivateMWEB without the option: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
