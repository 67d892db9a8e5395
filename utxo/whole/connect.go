package whole

import (
	"context"
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// Tip returns the last block connected, and false before the first. It may
// run ahead of what queries see while more blocks are known to follow.
func (x *Index) Tip(context.Context) (coins.BlockID, bool, error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	return x.applied.tip, x.applied.hasTip, nil
}

// Header returns the header of the connected chain at a height. It fails with
// [coins.ErrNoHeader] above the tip.
func (x *Index) Header(ctx context.Context, height coins.Height) (header coins.RawHeader, err error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	if x.closed {
		return header, utxo.ErrClosed
	}
	if height < 0 || height >= x.applied.next() {
		return header, fmt.Errorf("height %d: %w", height, coins.ErrNoHeader)
	}
	if height >= x.stored.next() {
		key := keyHeader(height)
		for _, r := range x.pending.rows {
			if string(r.key) == string(key) {
				return coins.RawHeader(r.value[:coins.HeaderSize]), nil
			}
		}
	}
	err = x.view(ctx, func(s *snapshot) error {
		row, err := s.block(height)
		header = row.header
		return err
	})
	return header, err
}

// view reads what is durable; writing is held.
func (x *Index) view(ctx context.Context, read func(*snapshot) error) error {
	return x.store.View(ctx, func(r utxo.Reader) error { return read(&snapshot{r: r, st: &x.stored}) })
}

// Prepare hashes every output's script, two words each. It depends on nothing
// that changes.
func (x *Index) Prepare(b *coins.Block) {
	buf := append(make([]byte, 0, 512), x.self.salt[:]...)
	b.ScriptMarks = slices.Grow(b.ScriptMarks[:0], 2*len(b.Layout.Outs))
	b.OutPointMarks = b.OutPointMarks[:0]
	for n := range b.Layout.Outs {
		var key scriptKey
		if countable(b, n) {
			key, buf = keyOf(buf, b.Layout.Script(b.Raw, n))
		}
		b.ScriptMarks = append(b.ScriptMarks, key.hi, uint64(key.lo))
	}
}

// Connect applies the block above the tip, or the genesis block. Durable when
// it returns, unless b.More. It fails with [coins.ErrNotNext] or [ErrMissing].
func (x *Index) Connect(ctx context.Context, b *coins.Block) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.ready(ctx); err != nil {
		return err
	}
	if err := x.checkNext(b); err != nil {
		return err
	}
	if len(b.ScriptMarks) != 2*len(b.Layout.Outs) {
		x.Prepare(b)
	}
	err := x.connect(ctx, b)
	if err == nil && (!b.More || x.full()) {
		if err = x.flush(ctx); err == nil {
			err = x.settle(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("connect block %s: %w", b.ID, err)
	}
	return nil
}

// full says whether enough waits in memory.
func (x *Index) full() bool {
	return x.pending.blocks >= maxPendingBlocks || len(x.pending.events) >= x.opts.Pending || x.pending.bytes >= maxPendingBytes
}

// maxPendingBytes bounds the rows of transactions that wait in memory.
const maxPendingBytes = 64 << 20

// checkNext is the index's own check that a block extends its chain.
func (x *Index) checkNext(b *coins.Block) error {
	st := &x.applied
	switch {
	case b.ID.Height != st.next():
		return fmt.Errorf("block %s, height %d is next: %w", b.ID, st.next(), coins.ErrNotNext)
	case st.hasTip && b.Header.Prev() != st.tip.Hash:
		return fmt.Errorf("block %s, its parent is %s and the tip %s: %w", b.ID, b.Header.Prev(), st.tip, coins.ErrNotNext)
	case b.ID.Hash != b.Header.Hash():
		return fmt.Errorf("block %s: %w", b.ID, coins.ErrBlockHash)
	case b.ID.Height == 0 && b.ID.Hash != x.coin.Params().Chain.Genesis:
		return fmt.Errorf("block %s is not the genesis block of %s %s: %w", b.ID, x.self.symbol, x.self.network, utxo.ErrForeign)
	}
	return nil
}

// connect adds a block to what is pending. When it fails nothing of the block
// is left.
func (x *Index) connect(ctx context.Context, b *coins.Block) error {
	lost, err := x.overwritten(ctx, b.TxID(0))
	if err != nil {
		return err
	}
	p := &x.pending
	events, ids := len(p.events), len(p.ids)
	w := work{x: x, b: b, recent: x.recent.begin(b.ID.Height, b.Layout.TxCount(), len(b.Layout.Outs))}
	err = x.view(ctx, func(s *snapshot) error {
		w.s = s
		return w.do(lost)
	})
	if err != nil {
		p.events, p.ids = p.events[:events], p.ids[:ids]
		x.recent.pop(b.ID.Height)
		return err
	}
	if p.blocks == 0 {
		p.from = b.ID.Height
	}
	p.blocks++
	p.scratch = appendChunks(b, p.scratch, p.emit)
	row := blockRow{header: b.Header, txs: uint32(b.Layout.TxCount())}
	for i := events; i < len(p.events); i++ {
		row.sum.add(&p.events[i].event)
	}
	p.emit(keyHeader(b.ID.Height), row.encode())
	x.applied.tip, x.applied.hasTip = b.ID, true
	x.applied.txs += uint64(row.txs)
	x.applied.sum.plus(row.sum)
	return nil
}

// overwritten returns the unspent coins of an earlier coinbase with the same
// id: Bitcoin has two such pairs, and the later replaced the earlier (BIP 30).
// The loss is booked as spent by the later coinbase, the input's number being
// the output's. Nothing is pending where there is an earlier one.
func (x *Index) overwritten(ctx context.Context, id coins.TxID) (lost []item, err error) {
	_, found := x.recent.find(id)
	if !found {
		err = x.view(ctx, func(s *snapshot) error {
			_, found, err = s.find(id)
			return err
		})
	}
	if err != nil || !found {
		return nil, err
	}
	if err := x.flush(ctx); err != nil {
		return nil, err
	}
	err = x.view(ctx, func(s *snapshot) error {
		num, found, err := s.find(id)
		if err != nil || !found {
			return err
		}
		lost, err = x.unspentOf(s, num)
		return err
	})
	return lost, err
}

// unspentOf returns the unspent outputs of a transaction.
func (x *Index) unspentOf(s *snapshot, num txNum) (list []item, err error) {
	c, n, err := s.chunkOf(num)
	if err != nil {
		return nil, err
	}
	buf := slices.Clone(x.self.salt[:])
	err = c.outputs(func(tx int, vout uint32, out output) bool {
		if tx == n && out.script.code != scriptNone {
			it := item{event: event{n: vout, flags: out.flags | flagSpent, value: out.value, coin: coinRef{num, vout}}}
			it.key, buf = keyOf(buf, out.script.bytes())
			list = append(list, it)
		}
		return tx <= n
	})
	if err != nil {
		return nil, err
	}
	kept := list[:0]
	for _, it := range list {
		there, err := s.unspent(it.key, it.coin)
		if err != nil {
			return nil, err
		}
		if there {
			kept = append(kept, it)
		}
	}
	return kept, nil
}

// work reads one block.
type work struct {
	x      *Index
	s      *snapshot
	b      *coins.Block
	recent *recentBlock
	buf    []byte
}

func (w *work) do(lost []item) error {
	p, l := &w.x.pending, &w.b.Layout
	for i := range l.TxCount() {
		id, num := w.b.TxID(i), numberOf(w.b.ID.Height, uint32(i))
		if i == 0 {
			for _, it := range lost {
				it.num = num
				p.events = append(p.events, it)
			}
		} else if err := w.spend(i, num); err != nil {
			return err
		}
		p.ids = append(p.ids, idItem{prefixOf(id), num})
		w.x.recent.add(w.recent, id)
		if err := w.pay(i, num); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) spend(i int, num txNum) error {
	l := &w.b.Layout
	first := l.Txs[i].FirstIn
	for n := first; n < l.Txs[i+1].FirstIn; n++ {
		at := l.OutPoint(w.b.Raw, int(n))
		it, err := w.coin(at)
		if err != nil {
			return fmt.Errorf("input %d of transaction %d: %s: %w", n-first, i, at, err)
		}
		it.num, it.n = num, n-first
		it.flags |= flagSpent
		w.x.pending.events = append(w.x.pending.events, it)
	}
	return nil
}

// coin finds what an input spends.
func (w *work) coin(at coins.OutPoint) (it item, err error) {
	if num, found := w.x.recent.find(at.TxID); found {
		ref := coinRef{num, at.Vout}
		out, ok := w.x.recent.output(ref)
		if !ok {
			return it, ErrMissing
		}
		return item{out.key(), event{flags: out.flags, value: out.value, coin: ref}}, nil
	}
	num, found, err := w.s.find(at.TxID)
	if err != nil {
		return it, err
	}
	ref := coinRef{num, at.Vout}
	var out output
	if found {
		out, found, err = w.s.output(ref)
	}
	if err != nil || !found {
		return it, orMissing(err)
	}
	it.event = event{flags: out.flags, value: out.value, coin: ref}
	w.buf = append(w.buf[:0], w.x.self.salt[:]...)
	it.key, w.buf = keyOf(w.buf, out.script.bytes())
	return it, nil
}

func orMissing(err error) error {
	if err == nil {
		err = ErrMissing
	}
	return err
}

func (w *work) pay(i int, num txNum) error {
	l := &w.b.Layout
	first := l.Txs[i].FirstOut
	for n := first; n < l.Txs[i+1].FirstOut; n++ {
		if !countable(w.b, int(n)) {
			w.recent.outs = append(w.recent.outs, recentOut{})
			continue
		}
		out := recentOut{coin: true, value: l.Value(w.b.Raw, int(n)), hi: w.b.ScriptMarks[2*n], lo: uint32(w.b.ScriptMarks[2*n+1])}
		if out.value < 0 {
			return fmt.Errorf("output %d of transaction %d: value %d: %w", n-first, i, out.value, coins.ErrMalformed)
		}
		if i == 0 {
			out.flags |= flagCoinbase
		}
		if l.PegOut(int(n)) {
			out.flags |= flagPegOut
		}
		w.recent.outs = append(w.recent.outs, out)
		e := event{num: num, n: n - first, flags: out.flags, value: out.value, coin: coinRef{num, n - first}}
		w.x.pending.events = append(w.x.pending.events, item{out.key(), e})
	}
	return nil
}

// Mempool makes durable what was connected. Unconfirmed transactions are not
// part of this index.
func (x *Index) Mempool(ctx context.Context, _ coins.MempoolChange) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.ready(ctx); err != nil {
		return err
	}
	if err := x.flush(ctx); err != nil {
		return err
	}
	return x.settle(ctx)
}

// Disconnect takes the tip block away: every row that names a transaction of
// it counts for nothing from then on. It fails with [coins.ErrReorgDepth] at
// the genesis block.
func (x *Index) Disconnect(ctx context.Context, tip coins.BlockID) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.ready(ctx); err != nil {
		return err
	}
	if st := &x.applied; !st.hasTip || st.tip != tip {
		return fmt.Errorf("disconnect block %s, the tip is %s: %w", tip, st.tip, coins.ErrNotNext)
	}
	if tip.Height == 0 {
		return fmt.Errorf("disconnect the genesis block: %w", coins.ErrReorgDepth)
	}
	err := x.flush(ctx)
	if err == nil {
		err = x.disconnect(ctx, tip)
	}
	if err != nil {
		return fmt.Errorf("disconnect block %s: %w", tip, err)
	}
	return nil
}

func (x *Index) disconnect(ctx context.Context, tip coins.BlockID) error {
	next, row := x.stored, blockRow{}
	err := x.view(ctx, func(s *snapshot) (err error) {
		row, err = s.block(tip.Height)
		return err
	})
	if err != nil {
		return err
	}
	next.tip = coins.BlockID{Height: tip.Height - 1, Hash: row.header.Prev()}
	next.txs -= uint64(row.txs)
	next.sum.total = next.sum.total.Minus(row.sum.total)
	next.sum.funded -= row.sum.funded
	next.sum.spent -= row.sum.spent
	next.runs = nil
	next.dropped = slices.Clone(x.stored.dropped)
	for _, r := range x.stored.runs {
		if r.from >= tip.Height {
			next.dropped = append(next.dropped, r.id)
			continue
		}
		r.cut = min(r.cut, tip.Height)
		next.runs = append(next.runs, r)
	}
	s := x.stage()
	for chunk := uint32(0); chunk*chunkTxs < row.txs; chunk++ {
		s.rows = append(s.rows, deletion(keyChunk(tip.Height, chunk)))
	}
	s.rows = append(s.rows, deletion(keyHeader(tip.Height)))
	if err := x.storeState(ctx, &s, next); err != nil {
		return err
	}
	x.applied = x.stored
	x.recent.pop(tip.Height)
	return x.deleteDropped(ctx)
}

// deletion is the row that deletes one.
func deletion(key []byte) row { return row{key: key} }
