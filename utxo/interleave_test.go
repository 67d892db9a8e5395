package utxo_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// stage is a world on which a few actors each do a short script of steps. All
// the orders in which their steps can follow each other are tried: that forces
// the races of a script's past against the tip.
type stage struct {
	*world
	base        []*testBlock
	c, c2, d2   *testBlock
	deep        []*testBlock // above the base's first
	unconfirmed *wire.MsgTx
	readers     map[string]*reader
}

// reader fetches blocks and applies them later, as a scanner's job does.
type reader struct {
	pass    *utxo.Backfill
	fetched *testBlock
}

// newStage lays out: script 0 is paid in all blocks of the base; its coins are
// spent in the base, in the block that is orphaned, in the one that takes its
// place and in the same block that pays it; and by an unconfirmed transaction.
func newStage(t *testing.T) *stage {
	s := &stage{world: newWorld(t), readers: map[string]*reader{}}
	b0 := newBlock(nil, testStart, 1, coinbaseTx(1, pay(0, 100), pay(1, 50), pay(0, 9), pay(0, 7)))
	first := b0.msg.Transactions[0]
	b1 := newBlock(b0, testStart, 2, coinbaseTx(2, pay(0, 30)), spendTx(1, outPoints(outPoint(first, 0)), pay(1, 60), pay(0, 40)))
	change := outPoint(b1.msg.Transactions[1], 1)
	b2 := newBlock(b1, testStart, 3, coinbaseTx(3, pay(0, 5)))
	chained := spendTx(2, outPoints(outPoint(first, 2)), pay(0, 8))
	s.c = newBlock(b2, testStart, 4, coinbaseTx(4, pay(1, 3)), spendTx(3, outPoints(change), pay(0, 39)),
		chained, spendTx(4, outPoints(outPoint(chained, 0)), pay(1, 8)))
	s.unconfirmed = spendTx(5, outPoints(outPoint(first, 3)), pay(0, 6))
	s.c2 = newBlock(b2, testStart, 5, coinbaseTx(5, pay(0, 2)), chained, s.unconfirmed)
	s.d2 = newBlock(s.c2, testStart, 6, coinbaseTx(6, pay(1, 1)), spendTx(6, outPoints(outPoint(chained, 0), change), pay(0, 47)))
	again := spendTx(7, outPoints(outPoint(first, 0)), pay(0, 99))
	e1 := newBlock(b0, testStart, 7, coinbaseTx(7, pay(0, 31)), again)
	e2 := newBlock(e1, testStart, 8, coinbaseTx(8, pay(0, 4)))
	s.deep = []*testBlock{e1, e2, newBlock(e2, testStart, 9, coinbaseTx(9, pay(1, 1)), spendTx(8, outPoints(outPoint(again, 0)), pay(0, 98)))}
	s.base = []*testBlock{b0, b1, b2}
	for _, b := range s.base {
		s.add(b)
	}
	return s
}

func (s *stage) add(b *testBlock) {
	s.must(s.x.Connect(context.Background(), b.load(s.tb, testCoin(s.tb))))
	s.m.connect(b)
	s.undo = min(s.undo+1, testReorg)
}

// deed is a step: it does nothing where it is not its time.
type deed func(*stage)

func connects(block func(*stage) *testBlock) deed { return func(s *stage) { s.add(block(s)) } }

func disconnects(s *stage) {
	b := s.m.disconnect()
	s.must(s.x.Disconnect(context.Background(), b.id()))
}

// imports watches script n from a block of the base on.
func imports(n, block int) deed {
	return func(s *stage) {
		ctx, from := context.Background(), s.base[block].height
		mw := s.m.watched[string(script(n))]
		birth := coins.MaxHeight
		if mw != nil {
			watch, _, err := s.x.Watched(ctx, script(n))
			s.must(err)
			birth = watch.Birth
		}
		result, err := s.x.Watch(ctx, []utxo.WatchSpec{{Script: script(n)}}, &utxo.JobSpec{From: from})
		s.must(err)
		s.back(script(n))
		if mw == nil {
			mw = &modelWatch{since: s.m.next(), live: map[coins.BlockHash]bool{}}
			s.m.watched[string(script(n))] = mw
		}
		if (result.Job != 0) != (from < birth) {
			s.tb.Fatalf("imported from %d, known from %d: job %d", from, birth, result.Job)
		}
		if result.Job != 0 {
			mw.birth, mw.done, mw.jobs = from, false, append(mw.jobs, result.Job)
		}
	}
}

func unwatches(n int) deed {
	return func(s *stage) {
		if removed, err := s.x.Unwatch(context.Background(), [][]byte{script(n)}); err != nil || removed == 0 {
			s.must(err)
			return
		}
		s.left(string(script(n)))
	}
}

// cancels and resumes end the oldest job that has not ended, and queue the
// oldest that was cancelled.
func cancels(s *stage) {
	for _, p := range append(s.waiting(), s.running()...) {
		_, err := s.x.EndJob(context.Background(), p, utxo.JobCancelled, "")
		s.must(err)
		break
	}
	s.noteDone()
}

func (s *stage) running() (ids []utxo.JobID) {
	for _, p := range s.passes {
		ids = append(ids, p.Jobs()...)
	}
	return ids
}

func resumes(s *stage) {
	jobs, err := s.x.Jobs(context.Background())
	s.must(err)
	for _, j := range jobs {
		if j.State == utxo.JobCancelled {
			_, err := s.x.ResumeJob(context.Background(), j.ID)
			s.must(err)
			return
		}
	}
}

// fetches has a reader take a job where it has none, and the block at its
// cursor; applies gives the block, which may be orphaned by then, to the job.
func fetches(name string, joined bool) deed {
	return func(s *stage) {
		r := s.reader(name)
		if r.pass == nil || r.pass.Done() {
			r.pass = s.start(joined)
		}
		if r.pass != nil && !r.pass.Done() && r.pass.Next() < s.m.next() {
			r.fetched = s.m.chain[r.pass.Next()-testStart]
		}
	}
}

func (s *stage) reader(name string) *reader {
	if s.readers[name] == nil {
		s.readers[name] = &reader{}
	}
	return s.readers[name]
}

// start begins the oldest job that waits, or has it join one that runs.
func (s *stage) start(joined bool) *utxo.Backfill {
	for _, id := range s.waiting() {
		job, _, err := s.x.Job(context.Background(), id)
		s.must(err)
		if job.State == utxo.JobCancelled {
			continue
		}
		if joined && len(s.passes) > 0 {
			err := s.passes[0].Join(context.Background(), id)
			if err == nil {
				return s.passes[0]
			}
			if !errors.Is(err, utxo.ErrRange) && !errors.Is(err, utxo.ErrJobState) {
				s.must(err)
			}
		}
		p, err := s.x.StartJob(context.Background(), id)
		s.must(err)
		s.passes = append(s.passes, p)
		return p
	}
	return nil
}

func applies(name string) deed {
	return func(s *stage) {
		r := s.reader(name)
		if r.pass == nil || r.fetched == nil {
			return
		}
		b := r.fetched.load(s.tb, testCoin(s.tb))
		b.More = r.fetched.height < s.m.next()-1
		_, _, err := r.pass.Backfill(context.Background(), b)
		s.must(err)
		r.fetched = nil
		s.noteDone()
	}
}

// hears takes the unconfirmed transaction into the mempool, as long as it is
// not in a block; forgets loses it.
func hears(s *stage) {
	if slices.ContainsFunc(s.m.chain, func(b *testBlock) bool { return slices.Contains(b.msg.Transactions, s.unconfirmed) }) {
		return
	}
	s.m.pool = append(s.m.pool, s.unconfirmed)
	s.must(s.x.Mempool(context.Background(), s.whole()))
}

func forgets(s *stage) {
	s.m.pool = nil
	s.must(s.x.Mempool(context.Background(), s.whole()))
}

// ends resumes and reads all jobs to their ends.
func (s *stage) ends() {
	for len(s.waiting())+len(s.running()) > 0 {
		resumes(s)
		s.start(false)
		for _, p := range s.passes {
			for !p.Done() && p.Next() < s.m.next() {
				_, _, err := p.Backfill(context.Background(), s.m.chain[p.Next()-testStart].load(s.tb, testCoin(s.tb)))
				s.must(err)
			}
			p.Stop() // one whose cursor a reorg has left above the tip ends when it is started again
		}
		s.noteDone()
	}
}

// tale is what each of some actors does, in order.
type tale struct {
	name   string
	actors [][]deed
}

func tales() []tale {
	reorg := []deed{connects(func(s *stage) *testBlock { return s.c }), disconnects, connects(func(s *stage) *testBlock { return s.c2 }),
		connects(func(s *stage) *testBlock { return s.d2 })}
	reads := func(name string, n int) (list []deed) {
		for range n {
			list = append(list, fetches(name, false), applies(name))
		}
		return list
	}
	deep := []deed{disconnects, disconnects}
	for i := range 3 {
		deep = append(deep, connects(func(s *stage) *testBlock { return s.deep[i] }))
	}
	return []tale{
		{"a reorg below a job's cursor", [][]deed{deep, append([]deed{imports(0, 0)}, reads("a", 3)...)}},
		{"a job reads while its blocks are orphaned", [][]deed{reorg, append([]deed{imports(0, 0)}, reads("a", 4)...)}},
		{"imported again while it is read", [][]deed{{imports(0, 2), imports(0, 1), imports(0, 0)}, {fetches("a", false), applies("a"), applies("a")},
			{fetches("b", false), applies("b")}, reorg[:2]}},
		{"two jobs over one script, and a reorg", [][]deed{reorg, {imports(0, 1), fetches("a", false), applies("a"), fetches("a", false), applies("a")},
			{imports(0, 0), fetches("b", true), applies("b")}}},
		{"cancelled, resumed, imported again", [][]deed{{imports(0, 1), cancels, imports(0, 0), resumes}, {fetches("a", false), applies("a"), fetches("a", true), applies("a")}, reorg[:3]}},
		{"unwatched and watched again", [][]deed{{imports(0, 1), unwatches(0), imports(0, 0)}, reads("a", 2), reorg[:3]}},
		{"unconfirmed", [][]deed{{imports(0, 0)}, reads("a", 2), {hears, forgets, hears}, reorg[2:]}},
	}
}

// merges calls each with every order of the actors' steps.
func merges(left []int, order []int, each func([]int)) {
	over := true
	for i := range left {
		if left[i] > 0 {
			over = false
			left[i]--
			merges(left, append(order, i), each)
			left[i]++
		}
	}
	if over {
		each(order)
	}
}

// TestInterleaved plays each tale in every order with COFFER_SOAK=1, else in
// some, evenly chosen.
func TestInterleaved(t *testing.T) {
	const short = 120
	for _, tale := range tales() {
		t.Run(tale.name, func(t *testing.T) {
			t.Parallel()
			var left []int
			for _, actor := range tale.actors {
				left = append(left, len(actor))
			}
			count, every := 0, 1
			merges(left, nil, func([]int) { count++ })
			if os.Getenv("COFFER_SOAK") != "1" {
				every = max(1, count/short)
			}
			n, played := 0, 0
			merges(left, nil, func(order []int) {
				if n++; (n-1)%every == 0 && !t.Failed() {
					played++
					tale.play(t, order)
				}
			})
			t.Logf("%d of %d orders", played, count)
		})
	}
}

// play plays one order, checks the index after each step, and in the end holds
// it to one that is made from nothing.
func (tale *tale) play(t *testing.T, order []int) {
	defer func() {
		if t.Failed() {
			t.Logf("in the order %v", order)
		}
	}()
	s := newStage(t)
	at := make([]int, len(tale.actors))
	for _, actor := range order {
		tale.actors[actor][at[actor]](s)
		at[actor]++
		s.check(nil)
	}
	s.ends()
	s.check(nil)
	s.equalsRebuilt()
	s.must(s.x.Close())
}
