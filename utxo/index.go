package utxo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"coffer.example/coffer/coins"
)

// Options are what an index is opened with.
type Options struct {
	// Start is the height of a new index's first block, where the scanner
	// begins. An existing index keeps its own.
	Start coins.Height
	// MaxReorg is how many blocks of undo are kept; 0 takes the coin's default.
	MaxReorg coins.Height
	// Derive reads the sources of derived scripts; nil where there are none.
	Derive Deriver
	// Clock gives the times of imports and jobs; nil is [time.Now].
	Clock func() time.Time
	// Random draws the index id; nil is the system's.
	Random io.Reader
	// MaxCursorLag is how many changes are kept for the slowest cursor; 0 is the
	// constant of that name.
	MaxCursorLag Seq
}

// Index is the index of one coin on one network. Its methods are safe for
// concurrent use: one of those that write runs at a time, queries run beside
// them on what was last made durable.
type Index struct {
	store Store
	coin  coins.Coin
	opts  Options
	// marker hashes what is looked up in the sets.
	marker *marker

	// writing is held by whoever changes the index; w is theirs.
	writing *gate
	w       writer
	// slowest is the slowest cursor of the log, the writer's too.
	slowest Seq

	// mu guards what queries see; it is held for writing only while a commit
	// becomes visible.
	mu sync.RWMutex
	view
}

// view is what queries see.
type view struct {
	self    identity
	state   state
	scripts *markSet
	pool    *pool
	leases  *leases
	closed  bool
	// coinBytes is the memory of the writer's set of outpoints.
	coinBytes int
}

// writer is the state of the one writer.
type writer struct {
	// applied is the state after the steps in pending, which are not stored yet.
	applied state
	pending *batch
	unstored
	// outpoints holds every unspent coin of a watched script.
	outpoints *markSet
	// fresh are the outpoints created by the block at hand.
	fresh *markSet
	// importing are jobs of which the scripts are still being stored, running
	// those that run.
	importing map[JobID]bool
	running   map[JobID]*reading
	// unwatched are scripts of which not everything is gone yet.
	unwatched []leaving
	grown     grown
}

// unstored is what came with the pending steps and follows in memory once they
// are stored; marks are the changes of the set of outpoints.
type unstored struct {
	marks   []markChange
	moves   []coinMove
	leaving []*poolTx
	seen    []sighting
	leased  []leaseChange
}

// WorstRows returns the most rows that one block of base bytes without
// witnesses can make. An output of L script bytes takes 9+L bytes and writes
// three rows, and a fourth where it is its script's first in the block; the 9+L
// bytes pay for the fourth (12 bytes, four rows) unless L < 3, and there are
// 256 + 65,536 such scripts. Transactions and inputs write fewer rows a byte:
// seven for 41.
func WorstRows(base int) int {
	const shortScripts, perBlock = 256 + 65_536, 64
	return base/3 + shortScripts + perBlock
}

// MaxBase is the most bytes without witnesses that a block has in any coin of
// the family: consensus on Bitcoin, Litecoin and Dogecoin.
const MaxBase = 1_000_000

// Open opens the index in the store, or creates it there. It fails with
// [ErrForeign], [ErrNewer], [ErrCorrupt] or [ErrTooManyRows]. The store is the
// index's from then on, and closed with it.
func Open(ctx context.Context, store Store, coin coins.Coin, opts Options) (*Index, error) {
	if worst := WorstRows(MaxBase); store.MaxRows() < worst {
		return nil, fmt.Errorf("store takes %d rows, a block can make %d: %w", store.MaxRows(), worst, ErrTooManyRows)
	}
	if opts.MaxReorg <= 0 {
		opts.MaxReorg = coin.Params().Policy.MaxReorg
	}
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if opts.Random == nil {
		opts.Random = rand.Reader
	}
	x := &Index{store: store, writing: newGate(), coin: coin, opts: opts, marker: newMarker()}
	if err := x.open(ctx); err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	return x, nil
}

func (x *Index) open(ctx context.Context) error {
	exists := false
	err := x.store.View(ctx, func(r Reader) error {
		value, found, err := r.Get(keyIdentity(), nil)
		if err != nil || !found {
			return err
		}
		exists = true
		if x.self, err = decodeIdentity(value); err != nil {
			return err
		}
		return x.self.matches(x.coin.Params())
	})
	if err == nil && !exists {
		err = x.create(ctx, x.opts.Start)
	}
	if err != nil {
		return err
	}
	if x.self.resetting {
		return x.goOnResetting(ctx)
	}
	return x.load(ctx)
}

// create writes the identity of a new index.
func (x *Index) create(ctx context.Context, start coins.Height) error {
	p := x.coin.Params()
	x.self = identity{version: FormatVersion, start: start, symbol: p.Symbol, network: p.Network, genesis: p.Chain.Genesis}
	if err := x.self.renew(x.opts.Random); err != nil {
		return err
	}
	return x.store.Update(ctx, func(w Writer) error {
		first := state{undoFrom: start}
		if err := w.Set(keyIdentity(), x.self.encode()); err != nil {
			return err
		}
		return w.Set(keyState(), first.encode())
	})
}

// load fills what is held in memory from the store.
func (x *Index) load(ctx context.Context) error {
	err := x.store.View(ctx, func(r Reader) error {
		value, found, err := r.Get(keyState(), nil)
		if err == nil && !found {
			err = fmt.Errorf("state row is missing: %w", ErrCorrupt)
		}
		if err == nil {
			x.state, err = decodeState(value)
		}
		if err != nil {
			return err
		}
		x.w = writer{applied: x.state, pending: newBatch(), importing: map[JobID]bool{}, running: map[JobID]*reading{},
			grown: grown{parsed: map[string]Scripts{}}}
		x.w.fresh = newMarkSet(false, 0)
		x.pool = newPool()
		if x.leases, err = loadLeases(r); err != nil {
			return err
		}
		if x.scripts, err = x.loadScripts(r); err != nil {
			return err
		}
		if x.w.outpoints, err = x.loadOutPoints(r); err != nil {
			return err
		}
		if err := x.loadSlowest(r); err != nil {
			return err
		}
		if err := x.checkDeriver(r); err != nil {
			return err
		}
		return x.loadPool(r)
	})
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	return nil
}

func (x *Index) loadScripts(r Reader) (*markSet, error) {
	set := newMarkSet(true, int(min(x.state.watched, 1<<31)))
	return set, r.Scan([]byte{tableWatch}, nil, false, func(key, value []byte) error {
		script, gone, err := stateOfWatch(value)
		if err == nil && gone {
			x.w.unwatched = append(x.w.unwatched, leaving{id: scriptOfKey(key)})
		} else if err == nil {
			set.add(x.scriptMark(script), uint32(scriptOfKey(key)))
		}
		return err
	})
}

// loadOutPoints reads the transactions and the coins behind each.
func (x *Index) loadOutPoints(r Reader) (*markSet, error) {
	set := newMarkSet(false, int(min(x.state.sum.coins, 1<<31)))
	var tx txRow
	return set, r.Scan([]byte{tableTx}, nil, false, func(key, value []byte) (err error) {
		if len(key) == txKeySize {
			tx, err = decodeTx(value)
			return err
		}
		vout := uint32(heightOfKey(key))
		set.add(x.outPointMark(coins.OutPoint{TxID: tx.id, Vout: vout}), 0)
		return nil
	})
}

// ID returns the index's id, drawn at creation and after a rebuild.
func (x *Index) ID() IndexID {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.self.id
}

// Start returns the height of the index's first block.
func (x *Index) Start() coins.Height {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.self.start
}

// Close makes durable what is not yet, and closes the store.
func (x *Index) Close() error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if x.closed {
		return nil
	}
	var err error
	if !x.self.resetting {
		err = x.flush(context.Background())
	}
	x.mu.Lock()
	x.closed = true
	x.mu.Unlock()
	return errors.Join(err, x.store.Close())
}

// usable says why an index cannot be used: it was closed, or a reset of it has
// failed, which the next Reset or Open goes on with.
func (x *Index) usable() error {
	switch {
	case x.closed:
		return ErrClosed
	case x.self.resetting:
		return ErrResetting
	}
	return nil
}

// write runs one step of the writer. With more to come at once it may stay in
// memory with those before it; else everything is durable when write returns.
// After an error nothing of the steps that were not durable remains.
func (x *Index) write(ctx context.Context, more bool, do func(*step) error) error {
	if err := x.usable(); err != nil {
		return err
	}
	if err := x.finishLeaving(ctx); err != nil {
		return err
	}
	if err := x.matchDerived(ctx); err != nil {
		return err
	}
	return x.commit(ctx, more, do)
}

// commit is write without looking after scripts that are leaving.
func (x *Index) commit(ctx context.Context, more bool, do func(*step) error) error {
	s := x.newStep()
	err := x.store.View(ctx, func(r Reader) error {
		s.base = r
		if err := s.sweepLeases(x.opts.Clock()); err != nil {
			return err
		}
		if err := do(s); err != nil {
			return err
		}
		return s.followLeases(x.self.start)
	})
	if err != nil {
		x.discard()
		return err
	}
	s.put(keyState(), s.state.encode())
	x.w.applied = s.state
	x.changeMarks(s.marks)
	x.w.marks, x.w.moves = append(x.w.marks, s.marks...), append(x.w.moves, s.moves...)
	x.w.leaving, x.w.seen = append(x.w.leaving, s.leaving...), append(x.w.seen, s.seen...)
	x.w.leased = append(x.w.leased, s.leases.changes...)
	x.w.grown.pending = append(x.w.grown.pending, s.grown.list...)
	if more && s.grown.waits() && x.mayWait() {
		return nil
	}
	return x.storePending(ctx)
}

// mayWait says whether what is pending may wait for more. What a job has found
// may also while there are unconfirmed transactions: whoever changes those
// stores it first.
func (x *Index) mayWait() bool {
	p := x.w.pending
	if p.aside {
		return p.blocks < maxPendingBlocks && len(p.rows) < maxJobRows
	}
	return p.blocks < maxPendingBlocks && len(p.rows) < maxPendingRows && x.pool.empty()
}

// Limits of what may wait in memory while far behind the tip: a crash costs
// at most that many blocks' reading again.
const (
	maxPendingBlocks = 256
	maxPendingRows   = 50_000
	// maxJobRows is maxPendingRows for jobs: a new block waits while they are
	// stored, which may take a small part of the 200 ms it has.
	maxJobRows = 4_000
)

func (x *Index) newStep() *step {
	return &step{scope: scope{batch: x.w.pending}, state: x.w.applied, chain: &x.coin.Params().Chain,
		readRows: readRows{watches: map[scriptID]*watchRow{}, jobs: map[JobID]*jobRow{}, ids: map[coins.Height]coins.BlockID{}},
		leases:   leaseStep{known: x.leases}, grown: newGrowth()}
}

// flush makes everything that was begun durable: what is pending, and what an
// interrupted unwatch has left.
func (x *Index) flush(ctx context.Context) error {
	if err := x.usable(); err != nil {
		return err
	}
	if err := x.storePending(ctx); err != nil {
		return err
	}
	if err := x.finishLeaving(ctx); err != nil {
		return err
	}
	return x.matchDerived(ctx)
}

// storePending stores what is pending and makes it visible. When it fails,
// nothing of it happened.
func (x *Index) storePending(ctx context.Context) error {
	if len(x.w.pending.rows) == 0 {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.w.pending.store(ctx, x.store); err != nil {
		x.discard()
		return fmt.Errorf("store: %w", err)
	}
	x.state, x.coinBytes = x.w.applied, x.w.outpoints.size()
	x.leases.apply(x.w.leased)
	x.adopt()
	x.pool.move(x.w.moves)
	x.pool.noteStored(nil, x.w.seen)
	for _, tx := range x.w.leaving {
		x.pool.drop(tx)
	}
	for _, r := range x.w.running {
		r.stored = r.next
	}
	x.reset()
	return nil
}

// discard forgets what is pending.
func (x *Index) discard() {
	for i := len(x.w.marks) - 1; i >= 0; i-- {
		x.w.marks[i].remove = !x.w.marks[i].remove
		x.changeMarks(x.w.marks[i : i+1])
	}
	x.w.applied = x.state
	for _, r := range x.w.running {
		r.next = r.stored
	}
	x.reset()
}

func (x *Index) reset() {
	clear(x.w.pending.rows)
	x.w.pending.blocks, x.w.pending.size, x.w.pending.aside = 0, 0, false
	x.w.marks, x.w.moves, x.w.leaving = x.w.marks[:0], x.w.moves[:0], nil
	x.w.seen, x.w.leased, x.w.grown.pending = nil, nil, nil
}

func (x *Index) changeMarks(changes []markChange) {
	for _, c := range changes {
		if c.remove {
			x.w.outpoints.remove(c.mark, 0)
		} else {
			x.w.outpoints.add(c.mark, 0)
		}
	}
}
