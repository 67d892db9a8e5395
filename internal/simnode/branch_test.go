package simnode

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"coffer.example/coffer/coins"
)

func payment(seed uint64) TxSpec {
	return TxSpec{Outputs: []Out{{Value: coins.Unit / 4, Script: RandomScript(rand.New(rand.NewPCG(seed, 1)), P2PKH)}}}
}

// digest is the state that disconnecting has to bring back.
func digest(c *Chain) []Coin { return c.UTXOs() }

func same(tb testing.TB, a, b []Coin) {
	tb.Helper()
	if len(a) != len(b) {
		tb.Fatalf("%d coins, %d before", len(a), len(b))
	}
	for i := range a {
		if a[i].OutPoint != b[i].OutPoint || a[i].Height != b[i].Height || a[i].Coinbase != b[i].Coinbase {
			tb.Fatalf("coin %d: %+v, %+v before", i, a[i], b[i])
		}
	}
}

func TestReorg(t *testing.T) {
	eachCoin(t, func(t *testing.T, coin coins.Coin) {
		c := ready(t, coin, 21)
		tx := got(c.Send(payment(1)))(t)
		before := digest(c)
		fork := c.Tip()
		got(c.Mine(3))(t)
		if len(c.Mempool()) != 0 {
			t.Fatal("the mempool was not mined")
		}
		old := c.Tip()
		got(c.Reorg(3, 3))(t)
		if c.Tip() != old {
			t.Fatal("a branch of equal work took over")
		}
		var tips []coins.BlockID
		stop := c.Watch(func(tip coins.BlockID) { tips = append(tips, tip) })
		got(c.Reorg(3, 4))(t)
		stop()
		if len(tips) != 1 || tips[0] != c.Tip() || c.Tip().Height != old.Height+1 {
			t.Fatalf("told of %v, tip is %s", tips, c.Tip())
		}
		if pool := c.Mempool(); len(pool) != 1 || pool[0] != tx.ID() {
			t.Fatalf("%v is not back in the mempool alone", pool)
		}
		checkChain(t, c)
		checkPool(t, c)
		id, _ := c.BlockID(fork.Height + 1)
		must(t, c.Invalidate(id.Hash))
		if c.Tip() != old {
			t.Fatal("the old branch did not come back:", c.Tip())
		}
		first, _ := c.BlockID(fork.Height + 1)
		must(t, c.Invalidate(first.Hash))
		for c.Tip() != fork { // the branch of equal work is left
			third, _ := c.BlockID(fork.Height + 1)
			must(t, c.Invalidate(third.Hash))
		}
		same(t, digest(c), before)
		must(t, c.Reconsider(first.Hash))
		if c.Tip() != old {
			t.Fatal("reconsidered, but the tip is", c.Tip())
		}
	})
}

func TestReorgBelowGenesis(t *testing.T) {
	c := newChain(t, Config{Coin: testCoins(t)["btc"]})
	if _, err := c.Reorg(1, 2); !errors.Is(err, ErrDepth) {
		t.Fatal(err)
	}
	if err := c.Invalidate(c.Tip().Hash); !errors.Is(err, ErrDepth) {
		t.Fatal(err)
	}
	if err := c.Invalidate(coins.BlockHash{1}); !errors.Is(err, ErrUnknown) {
		t.Fatal(err)
	}
	if _, err := c.Rewind(1); !errors.Is(err, ErrDepth) {
		t.Fatal(err)
	}
}

// TestDoubleSpendInBranch mines a conflict of what was confirmed: it does not
// come back, and neither does what spends from it.
func TestDoubleSpendInBranch(t *testing.T) {
	c := ready(t, testCoins(t)["doge"], 5)
	tx := got(c.NewTx(payment(1)))(t)
	got(c.Mine(1, Include(tx)))(t)
	child := got(c.Send(TxSpec{Inputs: []coins.OutPoint{{TxID: tx.ID()}}}))(t)
	rival := TxSpec{Inputs: []coins.OutPoint{tx.Ins[0].Prev}}
	blocks, err := c.Reorg(1, 1, Spend(rival))
	must(t, err)
	got(c.MineOn(blocks[0].Hash, 1))(t)
	if pool := c.Mempool(); len(pool) != 0 {
		t.Fatalf("%s and its child %s conflict with the chain; mempool %v", tx.ID(), child.ID(), pool)
	}
	checkChain(t, c)
}

func TestRewind(t *testing.T) {
	c := ready(t, testCoins(t)["ltc"], 8)
	got(c.Mine(4))(t)
	tip, before := c.Tip(), digest(c)
	lost := got(c.Rewind(3))(t)
	if c.Tip().Height != tip.Height-3 || len(lost) != 3 {
		t.Fatal(c.Tip())
	}
	if _, err := c.RawBlock(tip.Hash); !errors.Is(err, ErrUnknown) {
		t.Fatal("a lost block is still known:", err)
	}
	var reject *Reject
	if err := c.Submit(lost[1]); !errors.As(err, &reject) || reject.Reason != "prev-blk-not-found" {
		t.Fatal(err)
	}
	for _, raw := range lost {
		must(t, c.Submit(raw))
	}
	if c.Tip() != tip {
		t.Fatal(c.Tip())
	}
	same(t, digest(c), before)
	if err := c.Submit(lost[0]); !errors.As(err, &reject) || reject.Reason != "duplicate" {
		t.Fatal(err)
	}
}

// TestSubmitBad has a block that pays itself too much: refused, marked, and the
// coin set as before.
func TestSubmitBad(t *testing.T) {
	c := ready(t, testCoins(t)["btc"], 8)
	other := newChain(t, c.config)
	for h := coins.Height(1); h <= c.Tip().Height; h++ {
		id, _ := c.BlockID(h)
		must(t, other.Submit(got(c.RawBlock(id.Hash))(t)))
	}
	other.rules.subsidy = func(coins.Height) coins.Amount { return 51 * coins.Unit }
	bad := got(other.Mine(1))(t)
	got(other.Mine(1))(t)
	before, tip := digest(c), c.Tip()
	if err := c.Submit(got(other.RawBlock(bad[0].Hash))(t)); err == nil || err.Error() != "bad-block" {
		t.Fatal(err)
	}
	same(t, digest(c), before)
	if c.Tip() != tip {
		t.Fatal(c.Tip())
	}
	if err := c.Submit(got(other.RawBlock(bad[0].Hash))(t)); err == nil || err.Error() != "duplicate-invalid" {
		t.Fatal(err)
	}
	if err := c.Submit([]byte{1, 2}); err == nil {
		t.Fatal("two bytes were taken for a block")
	}
	got(c.Mine(1))(t)
}

func TestMempool(t *testing.T) {
	eachCoin(t, func(t *testing.T, coin coins.Coin) {
		c := ready(t, coin, 4)
		tx := got(c.Send(payment(1)))(t)
		child := got(c.Send(TxSpec{Inputs: []coins.OutPoint{{TxID: tx.ID()}}}))(t)
		must(t, c.Broadcast(child)) // again: no error
		rival := got(c.Replace(child.ID()))(t)
		must(t, c.Evict(rival.ID()))
		must(t, c.Broadcast(child))
		must(t, c.Evict(tx.ID()))
		if pool := c.Mempool(); len(pool) != 0 {
			t.Fatal("the child stayed without its parent:", pool)
		}
		must(t, c.Broadcast(tx))
		if n := c.Expire(time.Unix(1<<40, 0)); n != 1 {
			t.Fatal(n, "expired")
		}
		must(t, c.Broadcast(tx))
		c.ClearMempool()
		must(t, c.Broadcast(tx))
		got(c.Mine(1, WithoutMempool()))(t)
		if len(c.Mempool()) != 1 {
			t.Fatal("an empty block emptied the mempool")
		}
		got(c.Mine(1))(t)
		var reject *Reject
		if err := c.Broadcast(tx); !errors.As(err, &reject) || reject.Code != codeInChain {
			t.Fatal(err)
		}
		if err := c.Evict(tx.ID()); !errors.Is(err, ErrUnknown) {
			t.Fatal(err)
		}
		checkChain(t, c)
	})
}

func TestFill(t *testing.T) {
	eachCoin(t, func(t *testing.T, coin coins.Coin) {
		c := ready(t, coin, 4)
		got(c.Mine(3, Fill(300_000)))(t)
		if raw := got(c.RawBlock(c.Tip().Hash))(t); len(raw) < 300_000 || len(raw) > 310_000 {
			t.Fatal(len(raw), "bytes")
		}
		checkChain(t, c)
	})
}

func TestTimes(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	c := newChain(t, Config{Coin: testCoins(t)["btc"], Start: start})
	got(c.Mine(2))(t)
	if at := time.Unix(int64(c.tip().header.Time()), 0); !at.Equal(start.Add(10 * time.Minute)) {
		t.Fatal(at)
	}
	now := time.Unix(1_850_000_000, 0)
	c = newChain(t, Config{Coin: testCoins(t)["btc"], Now: func() time.Time { return now }})
	got(c.Mine(2))(t)
	if at := c.tip().header.Time(); at != 1_850_000_001 { // later than the block before
		t.Fatal(at)
	}
}
