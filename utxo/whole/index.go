package whole

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// Options are what an index is opened with.
type Options struct {
	// Recent is how many transactions are held in memory, about 130 bytes each;
	// 0 is [DefaultRecent].
	Recent int
	// Pending is how many events of blocks wait in memory for one commit while far
	// behind the tip, about 70 bytes each; 0 is [DefaultPending].
	Pending int
	// Fan is how many runs of a size are merged into one, at least 2; 0 is
	// [DefaultFan].
	Fan int
	// Stage is how many bytes of rows one transaction of the store takes; 0 is
	// 4 MB, which is the most.
	Stage int
	// Random draws the index id and the salt; nil is the system's.
	Random io.Reader
}

// Defaults of [Options].
const (
	DefaultRecent  = 1_000_000
	DefaultPending = 1_000_000
	DefaultFan     = 8
)

// maxPendingBlocks bounds what a crash costs where blocks are empty.
const maxPendingBlocks = 2000

// Index is the whole index of one coin on one network. Its methods are safe
// for concurrent use: one of those that write runs at a time, queries run
// beside them on what was last made durable.
type Index struct {
	store utxo.Store
	coin  coins.Coin
	opts  Options
	self  identity

	// writing is held by whoever changes the index; what is below is theirs.
	writing sync.Mutex
	closed  bool
	// unsure says that storing has failed: rows of it may be there that no state
	// names, and what is durable is to be read again.
	unsure bool
	// stored is what is durable, applied with the pending blocks too.
	stored, applied state
	recent          *recent
	pending         pending
}

// pending is what blocks that are not stored yet have brought.
type pending struct {
	blocks int
	from   coins.Height
	rows   []row
	bytes  int
	events []item
	ids    []idItem
	// spare is room for sorting, scratch for making rows.
	spare   []item
	scratch []byte
}

func (p *pending) reset() {
	clear(p.rows)
	*p = pending{rows: p.rows[:0], events: p.events[:0], ids: p.ids[:0], spare: p.spare, scratch: p.scratch}
}

func (p *pending) emit(key, value []byte) {
	p.rows = append(p.rows, row{key, value})
	p.bytes += len(key) + len(value)
}

// Open opens the index in the store, or creates it there. It fails with
// utxo's ErrForeign, ErrNewer, ErrCorrupt or ErrTooManyRows. The store is the index's from
// then on, and closed with it.
func Open(ctx context.Context, store utxo.Store, coin coins.Coin, opts Options) (*Index, error) {
	if store.MaxRows() < MaxRows {
		return nil, fmt.Errorf("store takes %d rows, a commit has up to %d: %w", store.MaxRows(), MaxRows, utxo.ErrTooManyRows)
	}
	if opts.Recent <= 0 {
		opts.Recent = DefaultRecent
	}
	if opts.Pending <= 0 {
		opts.Pending = DefaultPending
	}
	if opts.Fan == 0 {
		opts.Fan = DefaultFan
	}
	opts.Fan = max(2, opts.Fan)
	if opts.Stage <= 0 || opts.Stage > maxStage {
		opts.Stage = maxStage
	}
	if opts.Random == nil {
		opts.Random = rand.Reader
	}
	x := &Index{store: store, coin: coin, opts: opts, recent: newRecent()}
	if err := x.open(ctx); err != nil {
		return nil, fmt.Errorf("open whole index: %w", err)
	}
	return x, nil
}

func (x *Index) open(ctx context.Context) error {
	exists := false
	err := x.store.View(ctx, func(r utxo.Reader) error {
		value, found, err := r.Get(keyIdentity(), nil)
		if err != nil || !found {
			return err
		}
		exists = true
		if x.self, err = decodeIdentity(value); err != nil {
			return err
		}
		if err := x.self.matches(x.coin.Params()); err != nil {
			return err
		}
		x.stored, err = readState(r)
		return err
	})
	if err == nil && !exists {
		err = x.create(ctx)
	}
	if err != nil {
		return err
	}
	if err := x.clean(ctx); err != nil {
		return err
	}
	x.applied = x.stored
	return nil
}

func readState(r utxo.Reader) (state, error) {
	value, found, err := r.Get(keyState(), nil)
	if err == nil && !found {
		err = fmt.Errorf("state row is missing: %w", utxo.ErrCorrupt)
	}
	if err != nil {
		return state{}, err
	}
	return decodeState(value)
}

// create writes the identity of a new index.
func (x *Index) create(ctx context.Context) error {
	p := x.coin.Params()
	x.self = identity{version: FormatVersion, symbol: p.Symbol, network: p.Network, genesis: p.Chain.Genesis}
	for _, drawn := range [][]byte{x.self.id[:], x.self.salt[:]} {
		if _, err := io.ReadFull(x.opts.Random, drawn); err != nil {
			return fmt.Errorf("draw the index id: %w", err)
		}
	}
	return x.store.Update(ctx, func(w utxo.Writer) error {
		if err := w.Set(keyIdentity(), x.self.encode()); err != nil {
			return err
		}
		return w.Set(keyState(), x.stored.encode())
	})
}

// clean deletes rows that no state names: what a commit had stored ahead when
// the process was killed, and what runs that were merged have left.
func (x *Index) clean(ctx context.Context) error {
	s := x.stage()
	for _, table := range runTables() {
		from := keyRun(table, x.stored.lastRun+1)
		if err := x.deleteRows(ctx, &s, []byte{table}, from); err != nil {
			return err
		}
	}
	for _, table := range []byte{tableHeader, tableTxs} {
		if err := x.deleteRows(ctx, &s, []byte{table}, appendHeight([]byte{table}, x.stored.next())); err != nil {
			return err
		}
	}
	if err := s.flush(ctx); err != nil {
		return err
	}
	return x.deleteDropped(ctx)
}

// deleteRows deletes the rows of a prefix that are not before from.
func (x *Index) deleteRows(ctx context.Context, s *stage, prefix, from []byte) error {
	return x.store.View(ctx, func(r utxo.Reader) error {
		return r.Scan(prefix, from, false, func(key, _ []byte) error {
			return s.emit(ctx, slices.Clone(key), nil)
		})
	})
}

// deleteDropped deletes the rows of runs that nothing names any more.
func (x *Index) deleteDropped(ctx context.Context) error {
	if len(x.stored.dropped) == 0 {
		return nil
	}
	s := x.stage()
	for _, id := range x.stored.dropped {
		for _, table := range runTables() {
			if err := x.deleteRows(ctx, &s, keyRun(table, id), nil); err != nil {
				return err
			}
		}
	}
	next := x.stored
	next.dropped = nil
	return x.storeState(ctx, &s, next)
}

// storeState stores the rows left in a stage together with a state, which is
// what counts from then on.
func (x *Index) storeState(ctx context.Context, s *stage, next state) error {
	s.rows = append(s.rows, row{keyState(), next.encode()})
	if err := s.flush(ctx); err != nil {
		x.unsure = true
		return err
	}
	x.stored = next
	return nil
}

// ready says whether the index can be written to. What a commit has left that
// failed on the way is deleted first: the next run takes the number of the one
// that came to nothing, and must not find rows of it.
func (x *Index) ready(ctx context.Context) error {
	if x.closed {
		return utxo.ErrClosed
	}
	if !x.unsure {
		return nil
	}
	var stored state
	err := x.store.View(ctx, func(r utxo.Reader) (err error) {
		stored, err = readState(r)
		return err
	})
	if err != nil {
		return fmt.Errorf("after a failed commit: %w", err)
	}
	x.pending.reset()
	x.recent, x.stored, x.applied = newRecent(), stored, stored
	if err := x.clean(ctx); err != nil {
		return fmt.Errorf("after a failed commit: %w", err)
	}
	x.applied, x.unsure = x.stored, false
	return nil
}

// ID returns the index's id, drawn at its creation.
func (x *Index) ID() utxo.IndexID { return x.self.id }

// Close makes durable what is not yet, and closes the store.
func (x *Index) Close() error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if x.closed {
		return nil
	}
	err := x.flush(context.Background())
	x.closed = true
	return errors.Join(err, x.store.Close())
}

// flush makes the pending blocks durable, as one run. When it fails they are
// gone: the tip is again the last durable block.
func (x *Index) flush(ctx context.Context) error {
	if x.pending.blocks == 0 {
		return nil
	}
	err := x.storePending(ctx)
	if err != nil {
		x.unsure = true
		x.discard()
		return fmt.Errorf("store: %w", err)
	}
	x.pending.reset()
	x.recent.shrink(x.opts.Recent, x.stored.next())
	return nil
}

// discard forgets what is pending.
func (x *Index) discard() {
	x.pending.reset()
	x.recent.pop(x.stored.next())
	x.applied = x.stored
}

func (x *Index) storePending(ctx context.Context) error {
	p, next := &x.pending, x.applied
	sorted := make(chan struct{})
	go func() {
		defer close(sorted)
		slices.SortFunc(p.ids, func(a, b idItem) int {
			return compareIDs(&a, &b)
		})
	}()
	p.events, p.spare = sortEvents(p.events, p.spare)
	<-sorted
	r := run{id: next.lastRun + 1, from: p.from, to: next.tip.Height, cut: next.tip.Height + 1}
	r.eventBits, r.idBits = bitsFor(uint64(len(p.events)), bucketEvents), bitsFor(uint64(len(p.ids)), bucketIDs)
	s := x.stage()
	emit := func(key, value []byte) error { return s.emit(ctx, key, value) }
	for _, one := range p.rows {
		if err := emit(one.key, one.value); err != nil {
			return err
		}
	}
	if err := writeRun(&r, p, emit); err != nil {
		return err
	}
	next.lastRun = r.id
	next.runs = append(slices.Clone(next.runs), r)
	if err := x.storeState(ctx, &s, next); err != nil {
		return err
	}
	x.applied = next
	return nil
}

func writeRun(r *run, p *pending, emit func(key, value []byte) error) error {
	events := runWriter{run: r, emit: emit}
	for i := range p.events {
		if err := events.add(p.events[i].key, &p.events[i].event); err != nil {
			return err
		}
	}
	if err := events.close(); err != nil {
		return err
	}
	ids := idWriter{run: r, emit: emit}
	for _, it := range p.ids {
		if err := ids.add(it); err != nil {
			return err
		}
	}
	return ids.close()
}

func compareIDs(a, b *idItem) int {
	switch {
	case a.prefix < b.prefix || a.prefix == b.prefix && a.num < b.num:
		return -1
	case *a == *b:
		return 0
	}
	return 1
}

// sortEvents sorts by script, then by chain. They come in the order of the
// chain, and a key's first bits spread them evenly: they are dealt into
// buckets first, each of which is sorted in the processor's cache. It returns
// them in spare's memory, and theirs as spare.
func sortEvents(events, spare []item) (sorted, rest []item) {
	const bits = 12
	if len(events) < 1<<bits {
		slices.SortFunc(events, func(a, b item) int { return a.compare(&b) })
		return events, spare
	}
	var ends [1 << bits]int
	for i := range events {
		ends[events[i].key.hi>>(64-bits)]++
	}
	starts, at := ends, 0
	for i, n := range ends {
		starts[i] = at
		at += n
	}
	first, dealt := starts, slices.Grow(spare[:0], len(events))[:len(events)]
	for i := range events {
		share := events[i].key.hi >> (64 - bits)
		dealt[starts[share]] = events[i]
		starts[share]++
	}
	for i := range first {
		slices.SortFunc(dealt[first[i]:starts[i]], func(a, b item) int { return a.compare(&b) })
	}
	return dealt, events
}
