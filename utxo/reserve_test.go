package utxo_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

// till is an index with a clock that the test turns.
type till struct {
	t     *testing.T
	store *memkv.Store
	x     *utxo.Index
	now   time.Time
	tip   *testBlock
	salt  uint32
}

func newTill(t *testing.T) *till {
	p := &till{t: t, store: memkv.New(testRows), now: time.Unix(1_700_000_000, 0)}
	p.open()
	t.Cleanup(func() {
		p.check()
		p.must(p.x.Close())
	})
	_, err := p.x.Watch(t.Context(), []utxo.WatchSpec{{Script: script(0)}, {Script: script(1)}}, nil)
	p.must(err)
	return p
}

func (p *till) open() {
	x, err := utxo.Open(p.t.Context(), p.store, testCoin(p.t), utxo.Options{Start: testStart, MaxReorg: testReorg,
		Clock: func() time.Time { return p.now }})
	p.must(err)
	p.x = x
}

func (p *till) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *till) check() {
	p.t.Helper()
	p.must(p.x.Check(context.Background(), func(string, int) {}))
}

// block connects a block with transactions.
func (p *till) block(txs ...*wire.MsgTx) *testBlock {
	p.t.Helper()
	p.salt++
	b := newBlock(p.tip, testStart, p.salt, append([]*wire.MsgTx{coinbaseTx(p.salt, pay(9, 1))}, txs...)...)
	p.must(p.x.Connect(p.t.Context(), b.load(p.t, testCoin(p.t))))
	p.tip = b
	return b
}

// back takes the tip away.
func (p *till) back(to *testBlock) {
	p.t.Helper()
	p.must(p.x.Disconnect(p.t.Context(), p.tip.id()))
	p.tip = to
}

func (p *till) mempool(gone []coins.TxID, txs ...*wire.MsgTx) {
	p.t.Helper()
	change := coins.MempoolChange{Gone: gone}
	for _, tx := range txs {
		p.now = p.now.Add(time.Millisecond)
		change.Added = append(change.Added, coins.MempoolTx{ID: coins.TxID(tx.TxHash()), Raw: rawTx(p.t, tx), Seen: p.now})
	}
	p.must(p.x.Mempool(p.t.Context(), change))
}

func coinOf(tx *wire.MsgTx, vout uint32) coins.OutPoint {
	return coins.OutPoint{TxID: coins.TxID(tx.TxHash()), Vout: vout}
}

func (p *till) reserve(owner string, ttl time.Duration, at ...coins.OutPoint) (utxo.Reservation, error) {
	return p.x.Reserve(p.t.Context(), utxo.ReserveSpec{OutPoints: at, Owner: owner, TTL: ttl})
}

// place returns where the coin of a reservation is; 0 where it is not reserved.
func (p *till) place(token utxo.Token) utxo.CoinPlace {
	p.t.Helper()
	r, err := p.x.Reservation(p.t.Context(), token)
	if errors.Is(err, utxo.ErrNoReservation) {
		return 0
	}
	p.must(err)
	return r.Coins[0].Place
}

func (p *till) wantPlace(token utxo.Token, want utxo.CoinPlace, when string) {
	p.t.Helper()
	p.check()
	if got := p.place(token); got != want {
		p.t.Fatalf("%s: the reserved coin is in place %d, want %d", when, got, want)
	}
}

// funding pays the two watched scripts from nowhere.
func funding(salt uint32) *wire.MsgTx {
	return spendTx(salt, []wire.OutPoint{{Hash: [32]byte{7, byte(salt)}}}, pay(0, 100), pay(1, 50), pay(0, 7))
}

// TestReserveRefuses asks for coins that cannot be had; each has its error, and
// nothing of the request is reserved.
func TestReserveRefuses(t *testing.T) {
	p := newTill(t)
	fund := funding(1)
	block := newBlock(nil, testStart, 1, coinbaseTx(1, pay(0, 50)), fund)
	p.must(p.x.Connect(t.Context(), block.load(t, testCoin(t))))
	p.tip = block
	spend := spendTx(1, outPoints(outPoint(fund, 1)), pay(8, 50))
	p.block(spend)
	double := spendTx(2, []wire.OutPoint{{Hash: [32]byte{3}}}, pay(0, 5))
	other := spendTx(3, []wire.OutPoint{{Hash: [32]byte{3}}}, pay(8, 5))
	unconfirmed := spendTx(4, outPoints(outPoint(fund, 2)), pay(0, 6))
	p.mempool(nil, double, other, unconfirmed)
	good := coinOf(fund, 0)
	for _, c := range []struct {
		name string
		at   coins.OutPoint
		want error
	}{
		{"unknown", coins.OutPoint{TxID: id(5)}, utxo.ErrNoCoin},
		{"of an unwatched address", coinOf(unconfirmed, 9), utxo.ErrNoCoin},
		{"spent", coinOf(fund, 1), utxo.ErrCoinSpent},
		{"spent in the mempool", coinOf(fund, 2), utxo.ErrCoinSpent},
		{"immature", coinOf(block.msg.Transactions[0], 0), utxo.ErrImmature},
		{"replaced", coinOf(double, 0), utxo.ErrConflicted},
	} {
		if _, err := p.reserve("a", 0, good, c.at); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for _, spec := range []utxo.ReserveSpec{
		{Owner: "a"}, {OutPoints: []coins.OutPoint{good}}, {OutPoints: []coins.OutPoint{good, good}, Owner: "a"},
		{OutPoints: []coins.OutPoint{good}, Owner: "a\n"}, {OutPoints: []coins.OutPoint{good}, Owner: "a", Purpose: "\x00"},
		{OutPoints: []coins.OutPoint{good}, Owner: "a", TTL: -1}, {OutPoints: make([]coins.OutPoint, utxo.MaxReserve+1), Owner: "a"},
	} {
		if _, err := p.x.Reserve(t.Context(), spec); !errors.Is(err, utxo.ErrReserve) {
			t.Errorf("%.200v: %v", spec, err)
		}
	}
	r, err := p.reserve("a", 0, good, coinOf(unconfirmed, 0))
	p.must(err)
	if _, err := p.reserve("b", 0, good); !errors.Is(err, utxo.ErrReserved) {
		t.Errorf("reserved twice: %v", err)
	}
	if err := p.x.Holds(t.Context(), "a", r.Token, []coins.OutPoint{good}); err != nil {
		t.Error(err)
	}
	if err := p.x.Holds(t.Context(), "b", r.Token, []coins.OutPoint{good}); !errors.Is(err, utxo.ErrToken) {
		t.Errorf("held for another: %v", err)
	}
	if n, err := p.x.Release(t.Context(), utxo.ReleaseSpec{OutPoints: []coins.OutPoint{good}, Force: true}); n != 1 || err != nil {
		t.Errorf("an operator released %d: %v", n, err)
	}
	again, err := p.reserve("b", 0, good)
	p.must(err)
	if err := p.x.Holds(t.Context(), "a", r.Token, []coins.OutPoint{good}); !errors.Is(err, utxo.ErrToken) {
		t.Errorf("a stale token holds: %v", err)
	}
	if _, err := p.x.Release(t.Context(), utxo.ReleaseSpec{Owner: "a", Token: r.Token, OutPoints: []coins.OutPoint{good}}); !errors.Is(err, utxo.ErrToken) {
		t.Errorf("a stale token released: %v", err)
	}
	if again.Token <= r.Token {
		t.Errorf("token %d after %d", again.Token, r.Token)
	}
}

func id(b byte) (id coins.TxID) {
	id[0] = b
	return id
}

// TestReserveScanned does not reserve what a job has found: blocks that it has
// yet to read may spend it.
func TestReserveScanned(t *testing.T) {
	p := newTill(t)
	fund := spendTx(1, []wire.OutPoint{{Hash: [32]byte{7}}}, pay(5, 100), pay(5, 1))
	a := p.block(fund)
	b := p.block(spendTx(2, outPoints(outPoint(fund, 0)), pay(8, 1)))
	result, err := p.x.Watch(t.Context(), []utxo.WatchSpec{{Script: script(5)}}, &utxo.JobSpec{From: testStart})
	p.must(err)
	job, err := p.x.StartJob(t.Context(), result.Job)
	p.must(err)
	_, _, err = job.Backfill(t.Context(), a.load(t, testCoin(t)))
	p.must(err)
	if _, err := p.reserve("a", 0, coinOf(fund, 0)); !errors.Is(err, utxo.ErrScanning) {
		t.Errorf("reserved what is spent further on: %v", err)
	}
	_, _, err = job.Backfill(t.Context(), b.load(t, testCoin(t)))
	p.must(err)
	if _, err := p.reserve("a", 0, coinOf(fund, 0)); !errors.Is(err, utxo.ErrCoinSpent) {
		t.Errorf("reserved a spent coin: %v", err)
	}
	_, err = p.reserve("a", 0, coinOf(fund, 1))
	p.must(err)
}

// TestReservedThroughReorgs follows a reserved coin: spent, back, made again,
// and given up after as many blocks as undo is kept.
func TestReservedThroughReorgs(t *testing.T) {
	p := newTill(t)
	base := p.block()
	fund := funding(1)
	funded := p.block(fund)
	r, err := p.reserve("payer", 0, coinOf(fund, 0))
	p.must(err)
	before := digest(t, p.x)
	spend := spendTx(1, outPoints(outPoint(fund, 0)), pay(8, 99))
	p.mempool(nil, spend)
	p.wantPlace(r.Token, utxo.InBlock, "spent in the mempool")
	p.block(spend)
	p.wantPlace(r.Token, utxo.Away, "spent")
	p.back(funded)
	p.wantPlace(r.Token, utxo.InBlock, "the spend is undone")
	if digest(t, p.x) != before {
		t.Error("the reservation is in the digest")
	}
	if _, err := p.reserve("other", 0, coinOf(fund, 0)); !errors.Is(err, utxo.ErrReserved) {
		t.Errorf("reserved by another after the reorg: %v", err)
	}
	p.back(base)
	p.wantPlace(r.Token, utxo.Away, "its block is undone")
	p.mempool(nil, fund)
	p.wantPlace(r.Token, utxo.Unconfirmed, "back in the mempool")
	p.mempool([]coins.TxID{coins.TxID(fund.TxHash())})
	p.wantPlace(r.Token, utxo.Away, "gone from the mempool")
	p.x.Close()
	p.store = p.store.Reopen()
	p.open()
	p.wantPlace(r.Token, utxo.Away, "opened again")
	p.block(fund)
	p.wantPlace(r.Token, utxo.InBlock, "in another block")
	p.block(spend)
	for range testReorg - 1 {
		p.block()
		p.wantPlace(r.Token, utxo.Away, "spent, not for long")
	}
	p.block()
	p.wantPlace(r.Token, 0, "spent for good")
	if err := p.x.Holds(t.Context(), "payer", r.Token, nil); !errors.Is(err, utxo.ErrNoReservation) {
		t.Errorf("held after its end: %v", err)
	}
}

// TestReservedThroughRebuild drops the index: the reservation rests until its
// coin's block is read again, and a removed watch ends it.
func TestReservedThroughRebuild(t *testing.T) {
	p := newTill(t)
	a := p.block()
	fund := funding(1)
	b := p.block(fund)
	blocks := []*testBlock{a, b}
	for range 2 * testReorg {
		blocks = append(blocks, p.block())
	}
	first, err := p.reserve("a", 0, coinOf(fund, 0))
	p.must(err)
	second, err := p.reserve("b", 0, coinOf(fund, 1))
	p.must(err)
	p.must(p.x.Reset(t.Context()))
	p.wantPlace(first.Token, utxo.Away, "after a reset")
	for _, block := range blocks {
		p.must(p.x.Connect(t.Context(), block.load(t, testCoin(t))))
	}
	p.wantPlace(first.Token, utxo.InBlock, "read again")
	_, err = p.x.Unwatch(t.Context(), [][]byte{script(1)})
	p.must(err)
	p.wantPlace(second.Token, 0, "not watched any more")
	third, err := p.reserve("c", 0, coinOf(fund, 2))
	p.must(err)
	if third.Token <= second.Token {
		t.Errorf("token %d after %d", third.Token, second.Token)
	}
}

// TestReservedUntil turns the clock: at its end a reservation is over, swept or
// not, and its token is stale.
func TestReservedUntil(t *testing.T) {
	p := newTill(t)
	fund := funding(1)
	p.block(fund)
	r, err := p.reserve("a", time.Minute, coinOf(fund, 0), coinOf(fund, 2))
	p.must(err)
	p.now = p.now.Add(time.Minute - time.Microsecond)
	p.wantPlace(r.Token, utxo.InBlock, "just before its end")
	again, err := p.x.Reserve(t.Context(), utxo.ReserveSpec{OutPoints: []coins.OutPoint{coinOf(fund, 2), coinOf(fund, 0)}, Owner: "a", Token: r.Token, TTL: time.Minute})
	p.must(err)
	if again.Token != r.Token || !again.Expires.Equal(p.now.Add(time.Minute)) {
		t.Errorf("renewed %+v", again)
	}
	if _, err := p.x.Reserve(t.Context(), utxo.ReserveSpec{OutPoints: []coins.OutPoint{coinOf(fund, 2)}, Owner: "a", Token: r.Token}); !errors.Is(err, utxo.ErrToken) {
		t.Errorf("renewed with other coins: %v", err)
	}
	balance, err := p.x.Balance(t.Context(), script(0))
	p.must(err)
	if balance.Reserved != coins.TotalOf(107) || balance.Confirmed != coins.TotalOf(107) {
		t.Errorf("reserved %s of %s", balance.Reserved, balance.Confirmed)
	}
	p.now = p.now.Add(time.Minute)
	balance, err = p.x.Balance(t.Context(), script(0))
	p.must(err)
	if !balance.Reserved.IsZero() || p.place(r.Token) != 0 {
		t.Errorf("still reserved %s", balance.Reserved)
	}
	if _, err := p.x.Reserve(t.Context(), utxo.ReserveSpec{OutPoints: []coins.OutPoint{coinOf(fund, 2), coinOf(fund, 0)}, Owner: "a", Token: r.Token}); !errors.Is(err, utxo.ErrToken) {
		t.Errorf("renewed after its end: %v", err)
	}
	_, err = p.reserve("b", 0, coinOf(fund, 0))
	p.must(err)
	p.block() // sweeps
	p.check()
}

// TestReserveRace lets owners race for one coin: exactly one wins, every time.
func TestReserveRace(t *testing.T) {
	p := newTill(t)
	fund := funding(1)
	p.block(fund)
	for round := range 50 {
		var wins, refused int
		var token utxo.Token
		var mu sync.Mutex
		var group sync.WaitGroup
		for n := range 4 {
			group.Go(func() {
				r, err := p.reserve(fmt.Sprintf("owner %d", n), 0, coinOf(fund, 0), coinOf(fund, 2))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					wins, token = wins+1, r.Token
				case errors.Is(err, utxo.ErrReserved):
					refused++
				}
			})
		}
		group.Wait()
		if wins != 1 || refused != 3 {
			t.Fatalf("round %d: %d won, %d were refused", round, wins, refused)
		}
		if n, err := p.x.Release(t.Context(), utxo.ReleaseSpec{Token: token, Force: true}); n != 2 || err != nil {
			t.Fatalf("released %d: %v", n, err)
		}
	}
}

// TestReservedThroughBrokenRebuild fails the n-th call of the store for every n
// while an index with a reservation is dropped, opens anew, and finds it again.
func TestReservedThroughBrokenRebuild(t *testing.T) {
	ctx, fund := t.Context(), funding(1)
	blocks := []*testBlock{newBlock(nil, testStart, 1, coinbaseTx(1, pay(9, 1)), fund)}
	blocks = append(blocks, newBlock(blocks[0], testStart, 2, coinbaseTx(2, pay(9, 1))))
	fired := 0
	for n := 1; ; n++ {
		f := &faulty{Store: memkv.New(testRows)}
		p := &till{t: t, store: f.Store, x: openOn(t, f)}
		_, err := p.x.Watch(ctx, []utxo.WatchSpec{{Script: script(0)}}, nil)
		p.must(err)
		connect := func() {
			for _, b := range blocks {
				p.must(p.x.Connect(ctx, b.load(t, testCoin(t))))
			}
		}
		connect()
		r, err := p.reserve("payer", 0, coinOf(fund, 0))
		p.must(err)
		f.left = n
		err = p.x.Reset(ctx)
		if f.left = 0; f.fired != errors.Is(err, errFault) {
			t.Fatalf("fault %d, fired %v: %v", n, f.fired, err)
		}
		if f.fired {
			fired++
			f.Store = f.Store.Reopen()
			p.x = openOn(t, f)
			p.must(p.x.Reset(ctx))
		}
		p.wantPlace(r.Token, utxo.Away, "dropped")
		connect()
		p.wantPlace(r.Token, utxo.InBlock, "read again")
		p.must(p.x.Close())
		if !f.fired {
			break
		}
	}
	if fired < 10 {
		t.Errorf("only %d faults fired", fired)
	}
}
