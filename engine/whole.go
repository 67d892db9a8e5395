package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/scanner"
	"coffer.example/coffer/store/badgerkv"
	"coffer.example/coffer/utxo"
	"coffer.example/coffer/utxo/whole"
)

// The modes of [CoinConfig].Index.
const (
	IndexWatched = "watched"
	IndexAll     = "all"
)

// SourceAll in an answer says that it comes from the index of every script: true up to that one's own tip, and without
// what is unconfirmed.
const SourceAll = "all"

// WholeUpkeep looks after the index of every script, where a coin has one.
type WholeUpkeep interface {
	// RebuildWhole drops it, to be read from the node again from the genesis block on. Watched addresses are not
	// concerned.
	RebuildWhole(ctx context.Context, coin coins.Symbol) (WholeStatus, error)
}

// WholeStatus tells of a coin's index of every script.
type WholeStatus struct {
	State CoinState `json:"state"`
	// Reason says why it is waiting or halted, and what to do.
	Reason string `json:"reason,omitempty"`
	// Tip is its last block that questions see; nil before the first. Target is the node's, while it is being read.
	Tip    *coins.BlockID `json:"tip"`
	Target coins.Height   `json:"target,omitempty"`
	Pace
	BytesPerSecond float64 `json:"bytes_per_second,omitempty"`
	// Transactions, Received and Coins count those of the chain; DiskBytes is what its folder takes.
	Transactions uint64 `json:"transactions"`
	Received     uint64 `json:"received"`
	Coins        uint64 `json:"coins"`
	DiskBytes    int64  `json:"disk_bytes"`
}

// WholeScanned is an event of the scanner of a coin's index of every script.
type WholeScanned struct{ Event scanner.Event }

func (WholeScanned) detail() {}

// WholeTrouble says that a coin's index of every script cannot go on; it is tried again after Retry.
type WholeTrouble struct {
	Err   error
	Retry time.Duration
}

func (WholeTrouble) detail() {}

// wholePart is the index of every script of one coin, which follows the chain by itself: it is far behind while the
// watched index is at the tip, and nothing that goes wrong with it concerns that one.
type wholePart struct {
	part *part
	dir  string

	// active is held by who follows the chain or drops the index; queue as in [turn].
	turn turn
	// opening is held while the index is opened or closed, mu for the fields below alone.
	opening sync.Mutex
	mu      sync.Mutex
	now     wholeNow
}

// wholeNow is what is open, and going on, of a wholePart.
type wholeNow struct {
	closed, following bool
	index             *whole.Index
	store             *badgerkv.Store
	scanner           *scanner.Scanner
	trouble           error
	pause             context.CancelCauseFunc
}

// newWholes makes the parts of the coins of which every script is indexed.
func newWholes(parts []*part) (wholes []*wholePart) {
	for _, p := range parts {
		if p.config.Index == IndexAll {
			wholes = append(wholes, &wholePart{part: p, dir: filepath.Join(filepath.Dir(p.dir), "whole")})
		}
	}
	return wholes
}

// whole returns a coin's index of every script, nil where it has none.
func (e *Engine) whole(coin coins.Symbol) *wholePart {
	for _, w := range e.wholes {
		if w.part.config.Symbol == coin {
			return w
		}
	}
	return nil
}

func (w *wholePart) set(change func(*wholeNow)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.now)
}

func (w *wholePart) look() wholeNow {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// open returns the index, creating it where there is none.
func (w *wholePart) open(ctx context.Context) (*whole.Index, error) {
	w.opening.Lock()
	defer w.opening.Unlock()
	now := w.look()
	if now.closed {
		return nil, ErrClosed
	}
	if now.index != nil {
		return now.index, nil
	}
	if err := errors.Join(os.MkdirAll(w.dir, 0o700), os.RemoveAll(w.dir+droppedSuffix)); err != nil {
		return nil, fmt.Errorf("whole index: %w", err)
	}
	if err := checkRoom(w.dir, w.part.options.Free); err != nil {
		return nil, fmt.Errorf("whole index in %s: %w", w.dir, err)
	}
	store, err := badgerkv.Open(w.dir, badgerkv.Options{MemTable: whole.MemTable, Rows: whole.MaxRows, LevelBase: whole.LevelBase})
	if errors.Is(err, badgerkv.ErrLocked) { // Badger's own words only repeat it
		err = fmt.Errorf("whole index in %s: %w", w.dir, badgerkv.ErrLocked)
	}
	if err != nil {
		return nil, wholeRemedy(w.part, err)
	}
	roomy := &roomyStore{Store: store, dir: w.dir, free: w.part.options.Free}
	index, err := whole.Open(ctx, roomy, w.part.coin, whole.Options{})
	if err != nil {
		return nil, errors.Join(wholeRemedy(w.part, fmt.Errorf("whole index in %s: %w", w.dir, err)), store.Close())
	}
	w.set(func(n *wholeNow) { n.index, n.store = index, store })
	return index, nil
}

// wholeRemedy adds what to do to what keeps the index from being opened.
func wholeRemedy(p *part, err error) error {
	switch {
	case errors.Is(err, badgerkv.ErrCorrupt), errors.Is(err, utxo.ErrCorrupt), errors.Is(err, whole.ErrMissing):
		return fmt.Errorf("%w: `coffer index rebuild %s --all` makes it anew from the node", err, p.config.Symbol)
	}
	return withRemedy(err)
}

// openScanner opens index and node, and makes the scanner between them.
func (w *wholePart) openScanner(ctx context.Context) (*scanner.Scanner, error) {
	client, err := w.part.openNodes(ctx)
	if err != nil {
		return nil, err
	}
	index, err := w.open(ctx)
	if err != nil {
		return nil, err
	}
	if made := w.look().scanner; made != nil {
		return made, nil
	}
	options := w.part.scannerOptions(0)
	options.Start = scanner.StartAt(0)
	options.PrefetchBytes = wholePrefetch
	options.OnEvent = func(event scanner.Event) { w.part.tell(0, WholeScanned{Event: event}) }
	made := scanner.New(client, index, options)
	w.set(func(n *wholeNow) { n.scanner = made })
	return made, nil
}

// wholePrefetch bounds the blocks fetched ahead, in bytes: this index is not as fast as a node gives them.
const wholePrefetch = 64 << 20

// run follows the chain until ctx ends. Whatever goes wrong is told and tried again.
func (w *wholePart) run(ctx context.Context) error {
	w.set(func(n *wholeNow) { n.following = true })
	defer w.set(func(n *wholeNow) { n.following = false })
	for pause := retryMin; ; pause = min(2*pause, retryMax) {
		began := w.part.options.Clock()
		err := w.follow(ctx)
		switch {
		case errors.Is(err, ErrPartDied):
			return err
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errRebuild):
			pause = retryMin / 2
			continue
		}
		if w.part.options.Clock().Sub(began) > retryMax {
			pause = retryMin
		}
		w.set(func(n *wholeNow) { n.trouble = err })
		w.part.tell(0, WholeTrouble{Err: err, Retry: pause})
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// activate is [part.activate].
func (w *wholePart) activate(pause context.CancelCauseFunc) {
	w.turn.queue.Lock()
	defer w.turn.queue.Unlock()
	w.turn.active.Lock()
	w.set(func(n *wholeNow) { n.pause = pause })
}

func (w *wholePart) follow(ctx context.Context) error {
	ctx, pause := context.WithCancelCause(ctx)
	defer pause(nil)
	w.activate(pause)
	defer w.turn.active.Unlock()
	s, err := w.openScanner(ctx)
	if err != nil {
		return err
	}
	w.set(func(n *wholeNow) { n.trouble = nil })
	err = guard(w.part.config.Symbol, func() error { return s.Run(ctx) })
	if ctx.Err() != nil && !errors.Is(err, ErrPartDied) {
		return context.Cause(ctx)
	}
	if errors.Is(err, scanner.ErrSink) {
		err = errors.Join(wholeRemedy(w.part, err), w.closeIndex())
	}
	return err
}

// catchUp brings the index to the node's tip.
func (w *wholePart) catchUp(ctx context.Context) error {
	w.activate(nil)
	defer w.turn.active.Unlock()
	s, err := w.openScanner(ctx)
	if err != nil {
		return fmt.Errorf("whole index: %w", err)
	}
	if err := s.CatchUp(ctx); err != nil {
		return fmt.Errorf("whole index: %w", err)
	}
	return nil
}

// closeIndex closes the index and what works on it, so that the next who needs it opens it anew.
func (w *wholePart) closeIndex() error {
	w.opening.Lock()
	defer w.opening.Unlock()
	return w.closeLocked()
}

func (w *wholePart) closeLocked() error {
	var index *whole.Index
	w.set(func(n *wholeNow) {
		index = n.index
		n.index, n.store, n.scanner = nil, nil, nil
	})
	if index == nil {
		return nil
	}
	return index.Close()
}

// close is closeIndex for good.
func (w *wholePart) close() error {
	w.set(func(n *wholeNow) { n.closed = true })
	if err := w.closeIndex(); err != nil {
		return fmt.Errorf("%s: close: %w", w.part.config.Symbol, err)
	}
	return nil
}

// RebuildWhole is [WholeUpkeep]'s.
func (e *Engine) RebuildWhole(ctx context.Context, coin coins.Symbol) (WholeStatus, error) {
	p, err := e.part(coin)
	if err != nil {
		return WholeStatus{}, err
	}
	w := e.whole(p.config.Symbol)
	if w == nil {
		return WholeStatus{}, fmt.Errorf("%s has no index of every script (index: all): %w", coin, ErrConflict)
	}
	w.turn.queue.Lock()
	if pause := w.look().pause; pause != nil {
		pause(errRebuild)
	}
	w.turn.active.Lock()
	w.turn.queue.Unlock()
	defer w.turn.active.Unlock()
	if err := w.drop(); err != nil {
		return WholeStatus{}, fmt.Errorf("whole index: %w", err)
	}
	if _, err := w.open(ctx); err != nil {
		return WholeStatus{}, err
	}
	return *w.status(ctx), nil
}

// droppedSuffix is of what is being removed.
const droppedSuffix = ".dropped"

// drop removes the index; nobody opens it meanwhile. What a killed one leaves is no index: the name goes first.
func (w *wholePart) drop() error {
	w.opening.Lock()
	defer w.opening.Unlock()
	if err := w.closeLocked(); err != nil {
		return err
	}
	release, err := badgerkv.Hold(w.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return withRemedy(err)
	}
	defer release()
	side := w.dir + droppedSuffix
	if err := os.RemoveAll(side); err != nil {
		return err
	}
	if err := os.Rename(w.dir, side); err != nil {
		return err
	}
	return os.RemoveAll(side)
}

// wholeStatus tells of a coin's index of every script, nil where it has none. Where nobody follows it, it is opened to
// be looked at; looking makes none.
func (e *Engine) wholeStatus(ctx context.Context, p *part) *WholeStatus {
	w := e.whole(p.config.Symbol)
	if w == nil {
		return nil
	}
	var trouble error
	now := w.look()
	if _, missing := os.Stat(w.dir); missing == nil && !now.following {
		_, trouble = w.open(ctx)
	}
	status := w.status(ctx)
	if !now.following {
		status.State = StateIdle
	}
	if trouble != nil {
		status.Reason = trouble.Error()
	}
	return status
}

// status tells what is known without opening or asking anything.
func (w *wholePart) status(ctx context.Context) *WholeStatus {
	now := w.look()
	status := &WholeStatus{State: StateStarting}
	if now.index != nil {
		if stats, err := now.index.Stats(ctx); err == nil {
			status.Transactions, status.Received, status.Coins = stats.Transactions, stats.Funded, stats.Coins
			if stats.HasTip {
				status.Tip = &stats.Tip
			}
		}
		if bytes, err := now.store.Size(); err == nil {
			status.DiskBytes = bytes
		}
	}
	switch {
	case now.trouble != nil:
		status.State, status.Reason = StateWaiting, now.trouble.Error()
		if needsPerson(now.trouble) {
			status.State = StateHalted
		}
	case now.scanner != nil:
		var shown CoinStatus
		from := now.scanner.Status()
		scannerStatus(from, &shown)
		status.State, status.Reason = shown.State, shown.Reason
		status.Pace = shown.Pace
		if status.State == StateSyncing {
			status.Target, status.BytesPerSecond = from.Target, from.Rate.BytesPerSecond
		}
	}
	return status
}
