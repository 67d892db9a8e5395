package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/node"
	"coffer.example/coffer/scanner"
	"coffer.example/coffer/store/badgerkv"
	"coffer.example/coffer/utxo"
)

// minePause is the time between two blocks that are mined while a backfill runs.
const minePause = 300 * time.Millisecond

// backfilled is a measured backfill with how late each new block was applied beside it.
type backfilled struct {
	scanned
	// Late are those of blocks beside it, Import of those beside the import, Idle of blocks before.
	Late, Import, Idle []time.Duration
}

// backfillAll takes the chain's blocks once, which tells their bytes and warms caches, and measures.
func (r *runner) backfillAll(ctx context.Context, out io.Writer) error {
	if r.node == nil || r.node.ZMQ == "" {
		return errors.New("-backfill needs a real node with ZMQ: -coin btc")
	}
	source, err := r.open(ctx, list(r.config.transports)[0])
	if err != nil {
		return err
	}
	r.chainBytes, err = r.chain.takeAll(ctx, source)
	if err = errors.Join(err, source.Close()); err != nil {
		return err
	}
	return r.backfill(ctx, out)
}

// backfill measures reading the past of addresses over the whole chain while the tip is followed and new blocks come,
// in turn with a plain scan for as many. The blocks mined are taken away again.
func (r *runner) backfill(ctx context.Context, out io.Writer) (err error) {
	transport := list(r.config.transports)[0]
	verify := coins.VerifyMerkle
	if list(r.config.verify)[0] == "header" {
		verify = coins.VerifyHeader
	}
	l := load{fmt.Sprintf("%d scripts", r.config.backfill), r.config.backfill, []int{1}}
	height := len(r.chain.ids)
	defer func() {
		_, undo := r.node.Invalidate(context.WithoutCancel(ctx), height+1)
		err = errors.Join(err, undo)
	}()
	var plain []scanned
	var past []backfilled
	var late, importing, idle []time.Duration
	for range r.config.rounds {
		source, err := r.openFed(ctx, transport)
		if err != nil {
			return err
		}
		one, err := r.backfillOnce(ctx, source, l, verify)
		if err = errors.Join(err, source.Close()); err != nil {
			return err
		}
		past, late = append(past, one), append(late, one.Late...)
		importing, idle = append(importing, one.Import...), append(idle, one.Idle...)
		if source, err = r.open(ctx, transport); err != nil {
			return err
		}
		scan, err := r.scanPast(ctx, source, l, verify)
		if err = errors.Join(err, source.Close()); err != nil {
			return err
		}
		plain = append(plain, scan)
	}
	if len(late) == 0 || len(idle) == 0 {
		return errors.New("no block came while the backfill ran: the chain is too short")
	}
	slices.SortFunc(past, func(a, b backfilled) int { return int(a.Wall - b.Wall) })
	job, scan := past[len(past)/2], medianScan(plain)
	fmt.Fprintln(out, "| transport | verify | addresses | plain scan MB/s | backfill MB/s | of plain | a block beside it applied within | beside the import | without either |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|")
	fmt.Fprintf(out, "| %s | %s | %s | %.0f | %.0f | %.0f %% | %s | %s | %s |\n", transport, list(r.config.verify)[0], l.Name,
		scan.rate(), job.rate(), 100*job.rate()/scan.rate(), spread(late), spread(importing), spread(idle))
	return nil
}

// spread tells of times by their median, nine in ten, and the worst.
func spread(times []time.Duration) string {
	if len(times) == 0 {
		return "none came"
	}
	slices.Sort(times)
	at := func(i int) time.Duration { return times[i].Round(time.Millisecond) }
	return fmt.Sprintf("median %v, nine in ten %v, worst of %d %v", at(len(times)/2), at(len(times)*9/10), len(times), at(len(times)-1))
}

// openFed is open with the node's own news by ZMQ.
func (r *runner) openFed(ctx context.Context, transport string) (*node.Node, error) {
	o := node.Options{RPC: r.at.RPC, User: r.at.User, Password: r.at.Password, ZMQ: []string{r.node.ZMQ}, REST: transport == "rest"}
	if transport == "p2p" {
		o.P2P = r.at.P2P
	}
	return node.Open(ctx, r.coin.Params(), o)
}

// scanPast is scan of the chain as it is now, which has grown by the blocks that a backfill was measured beside.
func (r *runner) scanPast(ctx context.Context, source *node.Node, l load, verify coins.Verify) (scanned, error) {
	var err error
	if r.chain, err = readChain(ctx, source); err != nil {
		return scanned{}, err
	}
	return r.scan(ctx, source, l, verify)
}

// backfillOnce follows the chain from its tip, imports, and reads the past while blocks are mined.
func (r *runner) backfillOnce(ctx context.Context, source *node.Node, l load, verify coins.Verify) (b backfilled, err error) {
	dir, err := os.MkdirTemp("", "coffer-backfill-")
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := badgerkv.Open(dir, badgerkv.Options{})
	if err != nil {
		return b, err
	}
	tip, err := source.Tip(ctx)
	if err != nil {
		return b, errors.Join(err, store.Close())
	}
	index, err := utxo.Open(ctx, store, r.coin, utxo.Options{Start: tip.Height})
	if err != nil {
		return b, errors.Join(err, store.Close())
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	w := &watcher{arrived: map[coins.BlockHash]time.Time{}}
	o := scanner.Options{Params: r.coin.Params(), Verify: verify, Start: scanner.StartAt(tip.Height), OnEvent: w.event}
	following, stop := context.WithCancel(ctx)
	o.Hints = w.hints(following, source.Hints())
	follower := scanner.New(source, index, o)
	if err := follower.CatchUp(ctx); err != nil {
		stop()
		return b, err
	}
	group, following := errgroup.WithContext(following)
	group.Go(func() error { return follower.Run(following) })
	group.Go(func() error { return r.mine(following, w) })
	var imported utxo.WatchResult
	if err = r.idle(following); err == nil {
		b.Idle = w.late()
		imported, err = index.Watch(ctx, l.specs(), &utxo.JobSpec{From: 1})
	}
	if err == nil {
		b.Import = w.late()
		b.cost, err = r.readPast(ctx, source, index, imported.Job, verify)
	}
	stop()
	if err = errors.Join(err, group.Wait()); err == nil {
		b.Late = w.late()
	}
	return b, err
}

// idle lets some blocks come while nothing else is done.
func (r *runner) idle(ctx context.Context) error {
	const blocks = 10
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(blocks * minePause):
		return nil
	}
}

// readPast measures a job, as the engine runs it.
func (r *runner) readPast(ctx context.Context, source *node.Node, index *utxo.Index, id utxo.JobID, verify coins.Verify) (cost, error) {
	job, err := index.StartJob(ctx, id)
	if err != nil {
		return cost{}, err
	}
	defer job.Stop()
	o := scanner.Options{Params: r.coin.Params(), Verify: verify, PrefetchBlocks: engine.PassBlocks, PrefetchBytes: engine.PassBytes}
	return timed(r.at.PID, func() (int64, error) {
		return r.chainBytes, r.profiled(func() error {
			return scanner.RunJob(ctx, source, job, scanner.JobOptions{Options: o, From: job.Next()})
		})
	})
}

// mine has the node mine a block again and again until ctx ends.
func (r *runner) mine(ctx context.Context, w *watcher) error {
	tick := time.NewTicker(minePause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		w.expect()
		raw, err := r.node.Call(ctx, "generatetodescriptor", 1, "raw(51)")
		if ctx.Err() != nil {
			return nil
		}
		var hashes []coins.BlockHash
		if err = errors.Join(err, json.Unmarshal(raw, &hashes)); err != nil {
			return fmt.Errorf("mine: %w", err)
		}
		w.mined(hashes[0])
	}
}

// watcher notes when blocks are announced and applied. One block is under way at a time.
type watcher struct {
	mu sync.Mutex
	// expecting says that a block is being mined; announced is when the node's feed told of it.
	expecting bool
	announced time.Time
	told      map[coins.BlockHash]time.Time
	arrived   map[coins.BlockHash]time.Time
}

// hints passes the node's hints on to a scanner.
func (w *watcher) hints(ctx context.Context, from <-chan node.Hint) <-chan scanner.Hint {
	to := make(chan scanner.Hint)
	go func() {
		defer close(to)
		for {
			select {
			case <-ctx.Done():
				return
			case hint, open := <-from:
				if !open {
					return
				}
				w.hint(hint)
				select {
				case to <- scanner.Hint{Kind: scanner.HintKind(hint.Kind), Raw: hint.Raw}:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return to
}

func (w *watcher) expect() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expecting, w.announced = true, time.Time{}
}

func (w *watcher) hint(h node.Hint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.expecting && h.Kind == node.HintBlock && w.announced.IsZero() {
		w.announced = time.Now()
	}
}

// mined names the block that was expected. Where the feed has not told of it, the node's answer counts.
func (w *watcher) mined(hash coins.BlockHash) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.announced.IsZero() {
		w.announced = time.Now()
	}
	if w.told == nil {
		w.told = map[coins.BlockHash]time.Time{}
	}
	w.told[hash], w.expecting = w.announced, false
}

func (w *watcher) event(e scanner.Event) {
	if connected, ok := e.(scanner.Connected); ok {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.arrived[connected.ID.Hash] = time.Now()
	}
}

// late returns how long after its announcement each block was applied, for those that were since it was asked last.
func (w *watcher) late() (list []time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for hash, told := range w.told {
		if arrived, ok := w.arrived[hash]; ok {
			list = append(list, max(0, arrived.Sub(told)))
			delete(w.told, hash)
		}
	}
	return list
}
