package utxo_test

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

const (
	testScripts = 6
	testReorg   = 4
	testRows    = 500_000
	testStart   = 7
)

// world is an index, its model, and the blocks that a node would serve.
type world struct {
	tb    testHelper
	store *memkv.Store
	x     *utxo.Index
	m     *model
	pasts
	seq   utxo.Seq
	fold  map[told]string // coins the log tells of, with their scripts
	gone  map[string]bool // scripts that were unwatched, and not watched again
	salt  uint32
	now   time.Time
	token utxo.Token // the last one
	undo  int        // blocks that can be disconnected
}

// pasts are what jobs read, and what they may read by mistake.
type pasts struct {
	// passes read for jobs that run, each for one or several.
	passes []*utxo.Backfill
	// orphans are blocks that were disconnected last, by height.
	orphans map[coins.Height]*testBlock
	// twins says that about every other block's coinbase has the id of another.
	twins bool
}

func newWorld(tb testHelper) *world {
	w := &world{tb: tb, store: memkv.New(testRows), m: newModel(testStart),
		fold: map[told]string{}, gone: map[string]bool{}, pasts: pasts{orphans: map[coins.Height]*testBlock{}}, now: time.UnixMicro(5)}
	w.open()
	_, err := w.x.RegisterCursor(context.Background(), "model", 0)
	w.must(err)
	return w
}

func (w *world) open() {
	x, err := utxo.Open(context.Background(), w.store, testCoin(w.tb), utxo.Options{Start: testStart, MaxReorg: testReorg,
		Clock: func() time.Time { return w.now }})
	w.must(err)
	w.x = x
}

func (w *world) must(err error) {
	if err != nil {
		w.tb.Helper()
		w.tb.Fatal(err)
	}
}

func (w *world) nextSalt() uint32 {
	w.salt++
	return w.salt
}

// unspent returns what a transaction could spend: every output there is, and
// those of the pool.
func (w *world) unspent(pool bool) []wire.OutPoint {
	there := map[wire.OutPoint]bool{}
	add := func(tx *wire.MsgTx) {
		for _, in := range tx.TxIn {
			delete(there, in.PreviousOutPoint)
		}
		for n := range tx.TxOut {
			there[outPoint(tx, uint32(n))] = true
		}
	}
	for _, b := range w.m.chain {
		for _, tx := range b.msg.Transactions {
			add(tx)
		}
	}
	if pool {
		for _, tx := range w.m.pool {
			add(tx)
		}
	}
	list := slices.Collect(maps.Keys(there))
	slices.SortFunc(list, func(a, b wire.OutPoint) int { return slices.Compare([]byte(a.String()), []byte(b.String())) })
	return list
}

func drawOuts(t *rapid.T) []*wire.TxOut {
	var outs []*wire.TxOut
	for range rapid.IntRange(1, 3).Draw(t, "outs") {
		outs = append(outs, pay(rapid.IntRange(0, testScripts).Draw(t, "script"), int64(rapid.IntRange(0, 1000).Draw(t, "value"))))
	}
	return outs
}

// drawTx spends some of what is unspent and takes it out of the list.
func (w *world) drawTx(t *rapid.T, unspent []wire.OutPoint) (*wire.MsgTx, []wire.OutPoint) {
	var ins []wire.OutPoint
	for range rapid.IntRange(1, min(3, len(unspent))).Draw(t, "ins") {
		i := rapid.IntRange(0, len(unspent)-1).Draw(t, "in")
		ins = append(ins, unspent[i])
		unspent = slices.Delete(slices.Clone(unspent), i, i+1)
	}
	tx := spendTx(w.nextSalt(), ins, drawOuts(t)...)
	for n := range tx.TxOut {
		unspent = append(unspent, outPoint(tx, uint32(n)))
	}
	return tx, unspent
}

func (w *world) drawBlock(t *rapid.T) *testBlock {
	tag := w.nextSalt()
	cb := coinbaseTx(tag, drawOuts(t)...)
	pairs, rarely := uint32(1), 9
	if w.twins {
		pairs, rarely = testPairs, 1
	}
	twin := twinTx(rapid.Uint32Range(0, pairs-1).Draw(t, "pair"))
	if rapid.IntRange(0, rarely).Draw(t, "twin") == 0 && w.count(twin) < 2 { // as on Bitcoin: pairs, no more
		cb = twin
	}
	txs := []*wire.MsgTx{cb}
	unspent := w.unspent(false)
	if w.twins && rapid.Bool().Draw(t, "spend twin") {
		txs, unspent = w.spendTwin(txs, unspent)
	}
	for _, tx := range w.m.pool {
		if rapid.Bool().Draw(t, "confirm") && spendable(tx, unspent) {
			txs = append(txs, tx)
			unspent = slices.DeleteFunc(unspent, func(at wire.OutPoint) bool { return spends(tx, at) })
			for n := range tx.TxOut {
				unspent = append(unspent, outPoint(tx, uint32(n)))
			}
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "txs") {
		if len(unspent) > 0 {
			var tx *wire.MsgTx
			tx, unspent = w.drawTx(t, unspent)
			txs = append(txs, tx)
		}
	}
	return newBlock(w.m.tip(), testStart, w.nextSalt(), txs...)
}

// count returns how many blocks have the coinbase.
func (w *world) count(coinbase *wire.MsgTx) (n int) {
	for _, b := range w.m.chain {
		if b.msg.Transactions[0].TxHash() == coinbase.TxHash() {
			n++
		}
	}
	return n
}

func spends(tx *wire.MsgTx, at wire.OutPoint) bool {
	return slices.ContainsFunc(tx.TxIn, func(in *wire.TxIn) bool { return in.PreviousOutPoint == at })
}

func spendable(tx *wire.MsgTx, unspent []wire.OutPoint) bool {
	return !slices.ContainsFunc(tx.TxIn, func(in *wire.TxIn) bool { return !slices.Contains(unspent, in.PreviousOutPoint) })
}

func (w *world) connect(t *rapid.T) {
	b := w.drawBlock(t)
	block := b.load(w.tb, testCoin(w.tb))
	block.More = rapid.Bool().Draw(t, "more")
	w.must(w.x.Connect(context.Background(), block))
	scribble(block)
	w.m.connect(b)
	w.undo = min(w.undo+1, testReorg)
}

// discard says that an action makes no sense as things stand: another is drawn in
// its place. It is no skipped test.
func discard(t *rapid.T, why string) { t.Skip(why) }

func (w *world) disconnect(t *rapid.T) {
	if w.undo == 0 {
		discard(t, "nothing to disconnect")
	}
	b := w.m.disconnect()
	w.must(w.x.Disconnect(context.Background(), b.id()))
	w.orphans[b.height] = b
	w.undo--
}

func (w *world) watch(t *rapid.T) {
	n := rapid.IntRange(0, testScripts-1).Draw(t, "script")
	if w.m.watched[string(script(n))] != nil {
		discard(t, "watched")
	}
	next := w.m.next()
	mw := &modelWatch{birth: next, since: next, live: map[coins.BlockHash]bool{}, done: true}
	spec := utxo.WatchSpec{Script: script(n), Birth: coins.Height(rapid.IntRange(0, int(next)).Draw(t, "birth"))}
	var job *utxo.JobSpec
	if rapid.Bool().Draw(t, "job") {
		job = &utxo.JobSpec{From: coins.Height(rapid.IntRange(testStart, int(next)).Draw(t, "from"))}
	}
	result, err := w.x.Watch(context.Background(), []utxo.WatchSpec{spec}, job)
	w.must(err)
	w.back(script(n))
	if job != nil {
		if mw.birth = max(spec.Birth, job.From); mw.birth < next {
			mw.done, mw.jobs = false, []utxo.JobID{result.Job}
		}
	}
	if (result.Job != 0) == mw.done || result.Added != 1 {
		w.tb.Fatalf("result %+v, done %v", result, mw.done)
	}
	w.m.watched[string(script(n))] = mw
}

func (w *world) unwatch(t *rapid.T) {
	if len(w.m.watched) == 0 {
		discard(t, "nothing is watched")
	}
	s := rapid.SampledFrom(slices.Sorted(maps.Keys(w.m.watched))).Draw(t, "script")
	removed, err := w.x.Unwatch(context.Background(), [][]byte{[]byte(s)})
	w.must(err)
	if removed != 1 {
		w.tb.Fatalf("removed %d", removed)
	}
	w.left(s)
}

// cancel ends any job that has not ended, whether it runs or not.
func (w *world) cancel(t *rapid.T) {
	ids := w.waiting()
	for _, p := range w.passes {
		ids = append(ids, p.Jobs()...)
	}
	if len(ids) == 0 {
		discard(t, "no job")
	}
	_, err := w.x.EndJob(context.Background(), rapid.SampledFrom(ids).Draw(t, "job"), utxo.JobCancelled, "")
	w.must(err)
	w.noteDone()
}

// rescan makes a job for all scripts, or for one of which the past may grow.
func (w *world) rescan(t *rapid.T) {
	if len(w.m.watched) == 0 || len(w.m.chain) == 0 {
		discard(t, "nothing is watched, or nothing there")
	}
	spec := utxo.JobSpec{From: coins.Height(rapid.IntRange(testStart, int(w.m.next())-1).Draw(t, "from")), All: rapid.Bool().Draw(t, "all")}
	s := rapid.SampledFrom(slices.Sorted(maps.Keys(w.m.watched))).Draw(t, "script")
	earlier := false
	if !spec.All {
		watch, _, err := w.x.Watched(context.Background(), []byte(s))
		w.must(err)
		spec.Scripts, earlier = [][]byte{[]byte(s)}, spec.From < watch.Birth
	}
	job, err := w.x.CreateJob(context.Background(), spec)
	w.must(err)
	if mw := w.m.watched[s]; earlier {
		mw.birth, mw.done, mw.jobs = spec.From, false, append(mw.jobs, job.ID)
	}
}

// again imports a watched script with an earlier birth, whether or not its past
// is being read.
func (w *world) again(t *rapid.T) {
	if len(w.m.watched) == 0 {
		discard(t, "nothing is watched")
	}
	s := rapid.SampledFrom(slices.Sorted(maps.Keys(w.m.watched))).Draw(t, "script")
	mw, next := w.m.watched[s], w.m.next()
	from := coins.Height(rapid.IntRange(testStart, int(next)).Draw(t, "from"))
	watch, _, err := w.x.Watched(context.Background(), []byte(s)) // a birth may have fallen by a reorg
	w.must(err)
	result, err := w.x.Watch(context.Background(), []utxo.WatchSpec{{Script: []byte(s)}}, &utxo.JobSpec{From: from})
	w.must(err)
	if earlier := from < watch.Birth && from < next; earlier != (result.Job != 0) {
		w.tb.Fatalf("imported again from %d, birth is %d: job %d", from, watch.Birth, result.Job)
	} else if earlier {
		mw.birth, mw.done, mw.jobs = from, false, append(mw.jobs, result.Job)
	}
}

// waiting returns the jobs that have not ended and do not run.
func (w *world) waiting() (ids []utxo.JobID) {
	jobs, err := w.x.Jobs(context.Background())
	w.must(err)
	runs := map[utxo.JobID]bool{}
	for _, p := range w.passes {
		for _, id := range p.Jobs() {
			runs[id] = true
		}
	}
	for _, j := range jobs {
		if j.State != utxo.JobDone && !runs[j.ID] {
			ids = append(ids, j.ID)
		}
	}
	return ids
}

// begin starts a job that waits, alone or together with others that run.
func (w *world) begin(t *rapid.T) {
	waiting := w.waiting()
	if len(waiting) == 0 {
		discard(t, "no job waits")
	}
	id := rapid.SampledFrom(waiting).Draw(t, "job")
	if job, _, err := w.x.Job(context.Background(), id); err != nil || job.State == utxo.JobCancelled {
		w.must(err)
		_, err := w.x.ResumeJob(context.Background(), id)
		w.must(err)
	}
	if len(w.passes) > 0 && rapid.Bool().Draw(t, "join") {
		p := rapid.SampledFrom(w.passes).Draw(t, "pass")
		err := p.Join(context.Background(), id)
		if err == nil {
			return
		}
		if !errors.Is(err, utxo.ErrRange) && !errors.Is(err, utxo.ErrJobState) {
			w.tb.Fatal(err)
		}
	}
	p, err := w.x.StartJob(context.Background(), id)
	w.must(err)
	w.passes = append(w.passes, p)
}

// read gives some of those that run some blocks.
func (w *world) read(t *rapid.T) {
	if len(w.passes) == 0 {
		w.begin(t)
	}
	p := rapid.SampledFrom(w.passes).Draw(t, "pass")
	for range rapid.IntRange(1, 6).Draw(t, "blocks") {
		if p.Done() || p.Next() >= w.m.next() { // a reorg may leave it above the tip
			break
		}
		next := p.Next()
		from := w.m.chain[next-testStart]
		stale := w.orphans[next] != nil && w.orphans[next].id() != from.id() && rapid.IntRange(0, 3).Draw(t, "stale") == 0
		if stale {
			from = w.orphans[next]
		}
		b := from.load(w.tb, testCoin(w.tb))
		b.More = rapid.Bool().Draw(t, "more")
		after, _, err := p.Backfill(context.Background(), b)
		w.must(err)
		if stale && after != next {
			w.tb.Fatalf("a block that was orphaned moved the cursor from %d to %d", next, after)
		}
		scribble(b)
	}
	w.noteDone()
}

// noteDone tells the model of scripts whose jobs have ended.
func (w *world) noteDone() {
	w.passes = slices.DeleteFunc(w.passes, func(p *utxo.Backfill) bool { return p.Done() })
	jobs, err := w.x.Jobs(context.Background())
	w.must(err)
	done := map[utxo.JobID]bool{}
	for _, j := range jobs {
		done[j.ID] = j.State == utxo.JobDone
	}
	for _, mw := range w.m.watched {
		mw.done = !slices.ContainsFunc(mw.jobs, func(id utxo.JobID) bool { return !done[id] })
		mw.told = mw.told || slices.ContainsFunc(mw.jobs, func(id utxo.JobID) bool { return done[id] })
	}
}

func (w *world) mempool(t *rapid.T) {
	var change coins.MempoolChange
	unspent := w.unspent(true)
	for range rapid.IntRange(0, 2).Draw(t, "added") {
		if len(unspent) == 0 {
			break
		}
		var tx *wire.MsgTx
		tx, unspent = w.drawTx(t, unspent)
		w.m.pool = append(w.m.pool, tx)
		change.Added = append(change.Added, coins.MempoolTx{ID: coins.TxID(tx.TxHash()), Raw: rawTx(w.tb, tx)})
	}
	if rapid.Bool().Draw(t, "reversed") { // children before their parents
		slices.Reverse(change.Added)
	}
	w.must(w.x.Mempool(context.Background(), change))
}

// evict takes a transaction and what depends on it out of the pool, or tells
// the whole pool again.
func (w *world) evict(t *rapid.T) {
	if len(w.m.pool) == 0 {
		discard(t, "empty")
	}
	i := rapid.IntRange(0, len(w.m.pool)-1).Draw(t, "tx")
	gone := map[string]bool{w.m.pool[i].TxHash().String(): true}
	var change coins.MempoolChange
	for again := true; again; {
		again = false
		w.m.pool = slices.DeleteFunc(w.m.pool, func(tx *wire.MsgTx) bool {
			bad := gone[tx.TxHash().String()] || slices.ContainsFunc(tx.TxIn, func(in *wire.TxIn) bool { return gone[in.PreviousOutPoint.Hash.String()] })
			if bad {
				gone[tx.TxHash().String()], again = true, true
				change.Gone = append(change.Gone, coins.TxID(tx.TxHash()))
			}
			return bad
		})
	}
	if rapid.Bool().Draw(t, "complete") {
		change = w.whole()
	}
	w.must(w.x.Mempool(context.Background(), change))
}

func (w *world) whole() coins.MempoolChange {
	change := coins.MempoolChange{Complete: true}
	for _, tx := range w.m.pool {
		change.Added = append(change.Added, coins.MempoolTx{ID: coins.TxID(tx.TxHash()), Raw: rawTx(w.tb, tx)})
	}
	return change
}

func (w *world) reopen(*rapid.T) {
	w.must(w.x.Close())
	w.store, w.passes = w.store.Reopen(), nil
	w.open()
	w.must(w.x.Mempool(context.Background(), w.whole()))
}

// restore goes on with an index made of the dumped rows of this one.
func (w *world) restore(*rapid.T) {
	w.must(w.x.Mempool(context.Background(), w.whole()))
	w.store, w.passes = w.dumped(), nil
	old := w.x
	w.open()
	if w.x.ID() == old.ID() {
		w.tb.Fatal("a restored index has the id of the dumped one")
	}
	w.must(old.Close())
	err := w.x.AdvanceCursor(context.Background(), utxo.Cursor{Name: "model", Index: old.ID(), Seq: w.seq})
	if !errors.Is(err, utxo.ErrOtherIndex) {
		w.tb.Fatalf("a cursor of the dumped index: %v", err)
	}
	_, err = w.x.RegisterCursor(context.Background(), "model", w.seq)
	w.must(err)
	w.must(w.x.Mempool(context.Background(), w.whole()))
}

// dumped is a store loaded with the rows of the index.
func (w *world) dumped() *memkv.Store {
	type row struct{ key, value []byte }
	var rows []row
	m, err := w.x.Dump(context.Background(), func(utxo.Moment) error { return nil }, func(key, value []byte) error {
		rows = append(rows, row{slices.Clone(key), slices.Clone(value)})
		return nil
	})
	w.must(err)
	store := memkv.New(testRows)
	w.must(utxo.Load(context.Background(), store, testCoin(w.tb), rand.Reader, func(each func(key, value []byte) error) error {
		for _, r := range rows {
			if err := each(r.key, r.value); err != nil {
				return err
			}
		}
		return nil
	}))
	loaded, err := utxo.Open(context.Background(), store.Reopen(), testCoin(w.tb), utxo.Options{Start: testStart, MaxReorg: testReorg})
	w.must(err)
	proof, err := loaded.Prove(context.Background(), func(string, int) {})
	w.must(err)
	if proof.Digest != m.Digest || proof.Tip != m.Tip || proof.HasTip != m.HasTip || m.Rows != uint64(len(rows)) {
		w.tb.Fatalf("dumped %+v of %d rows, loaded %+v", m, len(rows), proof)
	}
	w.must(loaded.Close())
	return store
}

// check compares everything with the model.
func (w *world) check(*rapid.T) {
	_, err := w.x.Digest(context.Background()) // makes visible what was told with more to come
	w.must(err)
	w.noteDone()
	w.must(w.m.compare(context.Background(), w.x))
	w.must(w.x.Check(context.Background(), func(string, int) {}))
	w.follow()
	want := w.m.compute()
	w.checkLeases(&want)
	w.checkPast()
	w.checkFilters()
	for at, c := range want.coins {
		key := told{coins.OutPoint{TxID: coins.TxID(at.Hash), Vout: at.Index}, c.height}
		if _, there := w.fold[key]; !there && w.m.watched[c.script].done {
			w.tb.Fatalf("the log does not tell of coin %s", at)
		}
	}
	for key, s := range w.fold {
		c, there := want.coins[wire.OutPoint{Hash: [32]byte(key.at.TxID), Index: key.at.Vout}]
		there = there && c.height == key.height
		if mw := w.m.watched[s]; !there && mw != nil && mw.done {
			w.tb.Fatalf("the log tells of coin %s, which is not there", key.at)
		}
	}
}

func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt)
		for range 3 {
			w.connect(rt)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"connect": w.connect, "connect again": w.connect, "disconnect": w.disconnect, "watch": w.watch, "watch more": w.watch,
			"again": w.again, "unwatch": w.unwatch, "cancel": w.cancel, "rescan": w.rescan, "begin": w.begin, "read": w.read, "read more": w.read,
			"mempool": w.mempool, "evict": w.evict, "reopen": w.reopen, "": w.check,
			"reserve": w.reserve, "reserve more": w.reserve, "release": w.release, "renew": w.renew, "tick": w.tick, "advance": w.advance, "restore": w.restore,
		})
		w.rebuild(rt)
		w.must(w.x.Close())
	})
}

// rebuild ends all jobs and holds the index to one that is made of the same
// chain and watch set from nothing.
func (w *world) rebuild(t *rapid.T) {
	for len(w.waiting())+len(w.passes) > 0 {
		w.connect(t)
		for len(w.waiting()) > 0 {
			w.begin(t)
		}
		for _, p := range w.passes {
			for !p.Done() && p.Next() < w.m.next() {
				_, _, err := p.Backfill(context.Background(), w.m.chain[p.Next()-testStart].load(w.tb, testCoin(w.tb)))
				w.must(err)
			}
		}
		w.check(t)
	}
	w.equalsRebuilt()
}

// equalsRebuilt holds the index, of which all jobs have ended, to one that is
// made of the same chain and watch set from nothing.
func (w *world) equalsRebuilt() {
	watches, _, err := w.x.Watches(context.Background(), utxo.WatchFilter{}, utxo.Page{})
	w.must(err)
	other, err := utxo.Open(context.Background(), memkv.New(testRows), testCoin(w.tb), utxo.Options{Start: testStart, MaxReorg: testReorg})
	w.must(err)
	var specs []utxo.WatchSpec
	for _, watch := range watches {
		specs = append(specs, utxo.WatchSpec{Script: watch.Script, Birth: watch.Birth})
	}
	slices.Reverse(specs)
	_, err = other.Watch(context.Background(), specs, nil)
	w.must(err)
	for _, b := range w.m.chain {
		w.must(other.Connect(context.Background(), b.load(w.tb, testCoin(w.tb))))
	}
	want, err := other.Digest(context.Background())
	w.must(err)
	got, err := w.x.Digest(context.Background())
	w.must(err)
	if got != want {
		w.tb.Fatalf("digest %x, rebuilt %x", got, want)
	}
	w.must(other.Check(context.Background(), func(string, int) {}))
}
