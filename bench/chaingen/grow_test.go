package chaingen_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"coffer.example/coffer/bench/chaingen"
	"coffer.example/coffer/internal/testnodes"
)

// Both real nodes take the blocks by their own rules, then more of the same chain, and refuse another chain's.
func TestNodesTakeTheChain(t *testing.T) {
	const first, more = chaingen.WarmUp + 3, 2
	for coin, p := range map[testnodes.Coin]chaingen.Params{
		testnodes.BTC: chaingen.BitcoinRegtest(11, chaingen.WatchList{Seed: 1, Count: 100, Permille: 10}),
		testnodes.LTC: chaingen.LitecoinRegtest(11),
	} {
		t.Run(string(coin), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			t.Cleanup(cancel)
			n := testnodes.StartTB(ctx, t, testnodes.Options{Coin: coin, NoWallet: true})
			grow(ctx, t, n, p, first)
			if err := chaingen.Freshen(ctx, n); err != nil {
				t.Fatal(err)
			}
			if download(ctx, t, n) {
				t.Error("the node takes itself to be in initial download")
			}
			grow(ctx, t, n, p, first+more)
			other := p
			other.Genesis[0] ^= 1
			if err := chaingen.Grow(ctx, n, other, 1, func(chaingen.Block) {}); !errors.Is(err, chaingen.ErrRefused) {
				t.Errorf("a foreign chain: %v, want ErrRefused", err)
			}
		})
	}
}

func grow(ctx context.Context, t *testing.T, n *testnodes.Node, p chaingen.Params, count int) {
	t.Helper()
	var last chaingen.Block
	if err := chaingen.Grow(ctx, n, p, count, func(b chaingen.Block) { last = b }); err != nil {
		t.Fatal(err)
	}
	height, err := n.Height(ctx)
	if err != nil || height != count || last.Height != count {
		t.Fatalf("node at %d, generator at %d, want %d (%v)", height, last.Height, count, err)
	}
}

func download(ctx context.Context, t *testing.T, n *testnodes.Node) bool {
	t.Helper()
	raw, err := n.Call(ctx, "getblockchaininfo")
	if err != nil {
		t.Fatal(err)
	}
	var info struct{ InitialBlockDownload bool }
	if err := json.Unmarshal(raw, &info); err != nil {
		t.Fatal(err)
	}
	return info.InitialBlockDownload
}

func TestGrowStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	taken := 0
	err := chaingen.Grow(ctx, takesAll{}, chaingen.BitcoinRegtest(1), 1000, func(chaingen.Block) {
		if taken++; taken == 5 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || taken >= 1000 {
		t.Fatalf("took %d blocks, %v", taken, err)
	}
}

// takesAll is a node at height 0 that accepts whatever it is given until its caller gives up.
type takesAll struct{}

func (takesAll) Call(ctx context.Context, method string, _ ...any) (json.RawMessage, error) {
	if method == "getblockcount" {
		return json.RawMessage("0"), ctx.Err()
	}
	return json.RawMessage("null"), ctx.Err()
}
