package utxo_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

// logged is an index with a chain of blocks that pay the first script.
type logged struct {
	t     *testing.T
	store *memkv.Store
	x     *utxo.Index
	tip   *testBlock
	salt  uint32
	chain []*testBlock
}

func newLogged(t *testing.T, opts utxo.Options) *logged {
	l := &logged{t: t, store: memkv.New(testRows)}
	opts.Start, opts.MaxReorg = testStart, testReorg
	x, err := utxo.Open(t.Context(), l.store, testCoin(t), opts)
	l.must(err)
	l.x = x
	_, err = x.Watch(t.Context(), []utxo.WatchSpec{{Script: script(0)}}, nil)
	l.must(err)
	return l
}

func (l *logged) must(err error) {
	if err != nil {
		l.t.Helper()
		l.t.Fatal(err)
	}
}

// grow connects blocks of two changes each.
func (l *logged) grow(blocks int) {
	for range blocks {
		l.salt++
		l.tip = newBlock(l.tip, testStart, l.salt, coinbaseTx(l.salt, pay(0, 5)))
		l.chain = append(l.chain, l.tip)
		l.must(l.x.Connect(l.t.Context(), l.tip.load(l.t, testCoin(l.t))))
	}
}

// from is where the log begins, after proving that it has no gap.
func (l *logged) from() utxo.Seq {
	l.t.Helper()
	l.must(l.x.Check(l.t.Context(), func(string, int) {}))
	from, err := l.x.LogFrom(l.t.Context())
	l.must(err)
	return from
}

func (l *logged) refused(want error, what string, err error) {
	if !errors.Is(err, want) {
		l.t.Helper()
		l.t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// TestPrune prunes the log below the slowest cursor and the reorg depth, and tells who comes too late.
func TestPrune(t *testing.T) {
	ctx := t.Context()
	l := newLogged(t, utxo.Options{})
	l.grow(10)
	want := l.x.LastSeq() - 2*testReorg + 1
	if from := l.from(); from != want {
		t.Fatalf("without a cursor the log begins with change %d, want %d", from, want)
	}
	_, err := l.x.Changes(ctx, want-2, 10)
	l.refused(utxo.ErrPruned, "what is pruned", err)
	if list, err := l.x.Changes(ctx, want-1, 100); err != nil || len(list) != 2*testReorg || list[0].Seq != want {
		t.Fatalf("what is kept: %d changes, %v", len(list), err)
	}
	_, err = l.x.RegisterCursor(ctx, "ledger", 0)
	l.refused(utxo.ErrPruned, "a cursor before the log", err)
	_, err = l.x.RegisterCursor(ctx, "ledger", l.x.LastSeq()+1)
	l.refused(utxo.ErrSequence, "a cursor behind the log", err)
	cursor, err := l.x.RegisterCursor(ctx, "ledger", want)
	l.must(err)
	_, err = l.x.RegisterCursor(ctx, "audit", l.x.LastSeq())
	l.must(err)
	l.grow(10)
	if from := l.from(); from != want && from != want+1 {
		t.Fatalf("the log begins with change %d, a cursor stands at %d", from, want)
	}
	list, err := l.x.ChangesSince(ctx, cursor, utxo.MaxChanges)
	if err != nil || cursor.Seq+utxo.Seq(len(list)) != l.x.LastSeq() {
		t.Fatalf("%d changes after the cursor, %v", len(list), err)
	}
	cursor.Seq, cursor.Block = l.x.LastSeq(), l.tip.id()
	l.must(l.x.AdvanceCursor(ctx, cursor))
	l.grow(1)
	if from := l.from(); from != l.x.LastSeq()-2*testReorg-1 && from <= want+1 {
		t.Fatalf("the log begins with change %d after the cursor has passed", from)
	}
	all, err := l.x.Cursors(ctx)
	if err != nil || len(all) != 2 || all[0].Name != "audit" || all[1].Block != cursor.Block || all[1].Seq != cursor.Seq {
		t.Fatalf("cursors: %+v, %v", all, err)
	}
	l.must(l.x.DropCursor(ctx, "ledger"))
	l.must(l.x.DropCursor(ctx, "audit"))
	l.refused(utxo.ErrNoCursor, "dropped twice", l.x.DropCursor(ctx, "audit"))
	l.refused(utxo.ErrNoCursor, "advanced after it was dropped", l.x.AdvanceCursor(ctx, cursor))
	l.grow(testReorg + 1)
	if from := l.from(); from != l.x.LastSeq()-2*testReorg+1 {
		t.Errorf("the log begins with change %d of %d when no cursor is left", from, l.x.LastSeq())
	}
}

// TestPruneDisconnected keeps everything of blocks that can be left still.
func TestPruneDisconnected(t *testing.T) {
	l := newLogged(t, utxo.Options{})
	l.grow(10)
	for range testReorg {
		l.must(l.x.Disconnect(t.Context(), l.tip.id()))
		l.chain = l.chain[:len(l.chain)-1]
		l.tip = l.chain[len(l.chain)-1]
	}
	from := l.from()
	if list, err := l.x.Changes(t.Context(), from-1, 100); err != nil || len(list) != 4*testReorg {
		t.Fatalf("%d changes from %d on: %v", len(list), from, err)
	}
	l.grow(3 * testReorg)
	if from := l.from(); from != l.x.LastSeq()-2*testReorg+1 {
		t.Errorf("the log begins with change %d of %d", from, l.x.LastSeq())
	}
}

// TestCursorOfOtherIndex tells a consumer that the index was made anew.
func TestCursorOfOtherIndex(t *testing.T) {
	ctx := t.Context()
	l := newLogged(t, utxo.Options{})
	cursor, err := l.x.RegisterCursor(ctx, "ledger", 0)
	l.must(err)
	l.grow(3)
	l.must(l.x.Reset(ctx))
	_, err = l.x.ChangesSince(ctx, cursor, 10)
	l.refused(utxo.ErrOtherIndex, "changes", err)
	l.refused(utxo.ErrOtherIndex, "advance", l.x.AdvanceCursor(ctx, cursor))
	l.tip = nil
	l.grow(10)
	if from := l.from(); from != l.x.LastSeq()-2*testReorg+1 {
		t.Errorf("a cursor of another index holds the log at %d", from)
	}
	cursor, err = l.x.RegisterCursor(ctx, "ledger", l.x.LastSeq())
	l.must(err)
	l.grow(1)
	if list, err := l.x.ChangesSince(ctx, cursor, 10); err != nil || len(list) != 2 {
		t.Errorf("registered anew: %d changes, %v", len(list), err)
	}
}

// TestCursorTooSlow drops what a consumer does not come for, and tells it.
func TestCursorTooSlow(t *testing.T) {
	ctx := t.Context()
	l := newLogged(t, utxo.Options{MaxCursorLag: 20})
	cursor, err := l.x.RegisterCursor(ctx, "ledger", 0)
	l.must(err)
	l.grow(30)
	if from := l.from(); from+20 < l.x.LastSeq()-2 || from > l.x.LastSeq()-18 {
		t.Errorf("the log begins with change %d of %d", from, l.x.LastSeq())
	}
	_, err = l.x.ChangesSince(ctx, cursor, 10)
	l.refused(utxo.ErrPruned, "changes", err)
	l.refused(utxo.ErrPruned, "advance", l.x.AdvanceCursor(ctx, cursor))
}

// TestPruneJob drops what a job has kept some rows at a time.
func TestPruneJob(t *testing.T) {
	ctx := t.Context()
	l := newLogged(t, utxo.Options{})
	var past []*testBlock
	for i := range uint32(3000) {
		var prev *testBlock
		if i > 0 {
			prev = past[i-1]
		}
		past = append(past, newBlock(prev, testStart, i+1, coinbaseTx(i+1, pay(1, 5))))
		block := past[i].load(t, testCoin(t))
		block.More = true
		l.must(l.x.Connect(ctx, block))
	}
	l.tip, l.salt = past[len(past)-1], uint32(len(past))
	_, err := l.x.Watch(ctx, []utxo.WatchSpec{{Script: script(1)}}, &utxo.JobSpec{From: testStart})
	l.must(err)
	l.must(runJob(ctx, t, l.x, past))
	before := l.from()
	if list, err := l.x.Changes(ctx, l.x.LastSeq()-3000, 10); err != nil || len(list) != 10 || !list[0].Historical {
		t.Fatalf("the job's changes: %d, %v", len(list), err)
	}
	l.grow(testReorg)
	first := l.from()
	l.grow(1)
	second := l.from()
	if first <= before || second <= first || second-first > 2100 {
		t.Errorf("the log begins with change %d, then %d, then %d", before, first, second)
	}
	if _, err := l.x.Changes(ctx, second-1, utxo.MaxChanges); err != nil {
		t.Error(err)
	}
	l.grow(2)
	if from := l.from(); from != l.x.LastSeq()-2*testReorg+1 {
		t.Errorf("the log begins with change %d of %d", from, l.x.LastSeq())
	}
}

func TestCursorRefused(t *testing.T) {
	l := newLogged(t, utxo.Options{})
	for _, name := range []string{"", "A", "a b", "a\n", "ä", strings.Repeat("a", utxo.MaxCursorName+1)} {
		_, err := l.x.RegisterCursor(t.Context(), name, 0)
		l.refused(utxo.ErrCursorName, name, err)
	}
	for n := range utxo.MaxCursors {
		_, err := l.x.RegisterCursor(t.Context(), fmt.Sprintf("c%d", n), 0)
		l.must(err)
	}
	_, err := l.x.RegisterCursor(t.Context(), "more", 0)
	l.refused(utxo.ErrTooManyCursors, "one too many", err)
	_, err = l.x.RegisterCursor(t.Context(), "c0", 0)
	l.must(err)
	all, err := l.x.Cursors(t.Context())
	l.must(err)
	if !slices.IsSortedFunc(all, func(a, b utxo.Cursor) int { return strings.Compare(a.Name, b.Name) }) || len(all) != utxo.MaxCursors {
		t.Errorf("%d cursors: %v", len(all), all)
	}
	l.must(l.x.Close())
	l.refused(utxo.ErrClosed, "closed", l.x.DropCursor(t.Context(), "c0"))
}
