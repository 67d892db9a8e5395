package whole_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"go.uber.org/goleak"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo/whole"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is an index and the chain it should be of.
type world struct {
	tb    testHelper
	store *memkv.Store
	opts  whole.Options
	x     *whole.Index
	chain []*testBlock
	maker *maker
}

func newWorld(tb testHelper, seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 1))
	w := &world{tb: tb, store: memkv.New(500_000), maker: &maker{Rand: r, busy: seed%3 == 0}, chain: []*testBlock{genesis()}}
	w.opts = whole.Options{Recent: r.IntN(60) + 1, Pending: r.IntN(1500) + 1, Fan: 2 + r.IntN(3)}
	w.open()
	w.give(w.chain[0], false)
	return w
}

func (w *world) must(err error) {
	if err != nil {
		w.tb.Helper()
		w.tb.Fatal(err)
	}
}

func (w *world) open() {
	x, err := whole.Open(context.Background(), w.store, testCoin(w.tb), w.opts)
	w.must(err)
	w.x = x
}

func (w *world) give(b *testBlock, more bool) {
	block := b.load(w.tb, testCoin(w.tb))
	block.More = more
	w.must(w.x.Connect(context.Background(), block))
	scribble(block)
}

func (w *world) connect() {
	b := w.maker.block(w.chain)
	w.give(b, w.maker.IntN(3) > 0)
	w.chain = append(w.chain, b)
}

func (w *world) disconnect() {
	if len(w.chain) > 1 {
		w.must(w.x.Disconnect(context.Background(), w.chain[len(w.chain)-1].id()))
		w.chain = w.chain[:len(w.chain)-1]
	}
}

// kill opens what is durable, without closing, and goes back to its tip.
func (w *world) kill() {
	w.store = w.store.Reopen()
	w.open()
	w.rewind()
}

// rewind brings the chain back to the index's tip, which is a block of it.
func (w *world) rewind() {
	tip, begun, err := w.x.Tip(context.Background())
	w.must(err)
	for len(w.chain) > 0 && (!begun || w.chain[len(w.chain)-1].id() != tip) {
		w.chain = w.chain[:len(w.chain)-1]
	}
	if len(w.chain) == 0 {
		w.chain = []*testBlock{genesis()}
		w.give(w.chain[0], false)
	}
}

func (w *world) reopen() {
	w.must(w.x.Close())
	w.store = w.store.Reopen()
	w.open()
}

// check compares everything with the model, and with an index that is made of
// the same chain from nothing.
func (w *world) check() {
	ctx := context.Background()
	w.must(w.x.Mempool(ctx, coins.MempoolChange{}))
	w.must(compute(w.chain).compare(ctx, w.x))
	w.must(w.x.Check(ctx, func(string, int) {}))
	got, err := w.x.Digest(ctx)
	w.must(err)
	other, err := whole.Open(ctx, memkv.New(500_000), testCoin(w.tb), whole.Options{})
	w.must(err)
	for _, b := range w.chain {
		w.must(other.Connect(ctx, b.load(w.tb, testCoin(w.tb))))
	}
	want, err := other.Digest(ctx)
	w.must(err)
	if got != want {
		w.tb.Fatalf("digest %x, made anew %x", got, want)
	}
	w.must(other.Close())
}

// seeds is how many stories of a kind are told.
func seeds() int {
	if os.Getenv("COFFER_SOAK") != "" {
		return 2000
	}
	return 6
}

func TestAgainstModel(t *testing.T) {
	for seed := range seeds() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, uint64(seed))
			for range 60 {
				switch n := w.maker.IntN(20); {
				case n < 13:
					w.connect()
				case n < 17:
					for range 1 + w.maker.IntN(4) {
						w.disconnect()
					}
				case n < 18:
					w.kill()
				case n < 19:
					w.reopen()
				default:
					w.check()
				}
			}
			w.check()
			w.must(w.x.Close())
		})
	}
}
