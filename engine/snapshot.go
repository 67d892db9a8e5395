package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/snapshot"
	"coffer.example/coffer/utxo"
)

// Snapshots saves indexes, brings them back, and gives back the space that they do not need.
type Snapshots interface {
	// Snapshot saves indexes to a new folder while they go on, each at one whole block. Nothing is left of one that fails.
	Snapshot(ctx context.Context, request SnapshotRequest) (SnapshotReport, error)
	// Restore brings indexes back from a snapshot, each under a new index id. Until a coin's is complete, what was there
	// stays in use.
	Restore(ctx context.Context, request RestoreRequest) (RestoreReport, error)
	// CompactIndex gives back the space of rows that were deleted or written again.
	CompactIndex(ctx context.Context, coin coins.Symbol) (CompactReport, error)
}

// SnapshotRequest asks for a snapshot.
type SnapshotRequest struct {
	// To is the new folder, an absolute path: where a daemon does the work, it does not know the caller's folder.
	To string `json:"to"`
	// Coins are those to save; none for every coin that has an index.
	Coins []coins.Symbol `json:"coins,omitempty"`
}

// SnapshotReport says what was saved.
type SnapshotReport struct {
	Path    string         `json:"path"`
	Created time.Time      `json:"created"`
	Coins   []SnapshotCoin `json:"coins"`
	Bytes   int64          `json:"bytes"`
	Took    time.Duration  `json:"took_ns"`
}

// SnapshotCoin is one coin's index in a snapshot.
type SnapshotCoin struct {
	Coin    coins.Symbol   `json:"coin"`
	Network coins.Network  `json:"network"`
	Tip     *coins.BlockID `json:"tip"`
	// Digest is of coins, history and tip, as [CheckReport]'s.
	Digest  string `json:"digest"`
	Watched uint64 `json:"watched"`
	Rows    uint64 `json:"rows"`
	Bytes   int64  `json:"bytes"`
}

// Task is long work on one coin's index.
type Task struct {
	// Name is snapshot, restore or compact.
	Name  string    `json:"name"`
	Began time.Time `json:"began"`
	// Done and Total count rows; Total is an estimate, and 0 where nothing is known.
	Done  uint64 `json:"done"`
	Total uint64 `json:"total"`
}

// watchLogName is the watch set's own file, beside the index's folder.
const watchLogName = "watch.log"

// Snapshot is [Snapshots]'.
func (e *Engine) Snapshot(ctx context.Context, request SnapshotRequest) (report SnapshotReport, err error) {
	began := e.options.Clock()
	report = SnapshotReport{Path: request.To, Created: began.UTC().Truncate(time.Second)}
	if !filepath.IsAbs(request.To) {
		return report, fmt.Errorf("snapshot to %q: an absolute path is needed: %w", request.To, ErrInput)
	}
	parts, err := e.saved(request.Coins)
	if err != nil {
		return report, err
	}
	w, err := snapshot.Create(request.To)
	if err == nil {
		if err = checkRoom(filepath.Dir(filepath.Clean(request.To)), e.options.Free); err != nil {
			err = errors.Join(err, w.Abort())
		}
	}
	if err != nil {
		return report, err
	}
	manifest := &snapshot.Manifest{Software: Version(), Created: report.Created}
	for _, p := range parts {
		saved, err := p.save(ctx, w, filepath.Dir(filepath.Clean(request.To)))
		if err != nil {
			return report, errors.Join(fmt.Errorf("%s: %w", p.config.Symbol, err), w.Abort())
		}
		manifest.Coins = append(manifest.Coins, saved)
		report.add(&saved)
	}
	if err := w.Commit(manifest); err != nil {
		return report, err
	}
	report.Took = e.options.Clock().Sub(began)
	return report, nil
}

func (r *SnapshotReport) add(c *snapshot.Coin) {
	shown := snapshotCoin(c)
	r.Coins, r.Bytes = append(r.Coins, shown), r.Bytes+shown.Bytes
}

func snapshotCoin(c *snapshot.Coin) SnapshotCoin {
	shown := SnapshotCoin{Coin: c.Coin, Network: c.Network, Tip: c.Tip, Digest: c.Digest, Watched: c.Watched}
	for _, part := range c.Parts {
		shown.Bytes += part.Bytes
		shown.Rows += part.Rows
	}
	return shown
}

// saved returns the parts of the coins to save: those named, which must have an index, or all that have one.
func (e *Engine) saved(symbols []coins.Symbol) (parts []*part, err error) {
	for _, symbol := range symbols {
		p, err := e.part(symbol)
		if err != nil {
			return nil, err
		}
		if !p.hasIndex() {
			return nil, fmt.Errorf("%s has no index yet: %w", symbol, ErrNotFound)
		}
		if slices.Contains(parts, p) {
			return nil, fmt.Errorf("%s is named twice: %w", symbol, ErrInput)
		}
		parts = append(parts, p)
	}
	if len(symbols) > 0 {
		return parts, nil
	}
	for _, p := range e.parts {
		if p.hasIndex() {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("no coin has an index yet: %w", ErrNotFound)
	}
	return parts, nil
}

// hasIndex says whether there is an index, without making one.
func (p *part) hasIndex() bool {
	for _, dir := range []string{p.dir, p.dir + restoredSuffix} {
		if _, err := os.Stat(dir); err == nil {
			return true
		}
	}
	return false
}

// save writes the coin's index and its watch log to a snapshot that will be in the folder.
func (p *part) save(ctx context.Context, w *snapshot.Writer, folder string) (saved snapshot.Coin, err error) {
	index, err := p.openIndex(ctx)
	if err != nil {
		return saved, err
	}
	ctx, task, end, err := p.begin(ctx, "snapshot")
	if err != nil {
		return saved, err
	}
	defer end()
	name := fmt.Sprintf("%s-%s", p.config.Symbol, p.config.Network)
	var at utxo.Moment
	rows, err := w.Rows(name+".rows", func(each func(key, value []byte) error) (err error) {
		at, err = index.Dump(ctx, func(m utxo.Moment) error { task.total.Store(m.Rows); return nil }, func(key, value []byte) error {
			if task.done.Add(1)%roomEvery == 0 {
				if err := checkRoom(folder, p.options.Free); err != nil {
					return err
				}
			}
			return each(key, value)
		})
		return err
	})
	if err != nil {
		return saved, cause(ctx, err)
	}
	saved = snapshot.Coin{
		Coin: p.config.Symbol, Network: p.config.Network, Genesis: p.coin.Params().Chain.Genesis, IndexID: fmt.Sprintf("%x", at.ID[:]),
		IndexFormat: at.Format, Digest: fmt.Sprintf("%x", at.Digest[:]), Watched: at.Watched, Parts: []snapshot.Part{rows},
	}
	if at.HasTip {
		saved.Tip = &at.Tip
	}
	// The log is copied after the index was read: it has everything that the index has.
	log, err := w.Copy(ctx, name+"."+watchLogName, snapshot.KindWatchLog, p.watchLog())
	if err == nil {
		saved.Parts = append(saved.Parts, log)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return saved, cause(ctx, err)
}

// roomEvery is after how many rows a snapshot looks for room: it must not fill the disk that an index writes to.
const roomEvery = 16_384

// watchLog is the path of the watch set's own file.
func (p *part) watchLog() string { return filepath.Join(filepath.Dir(p.dir), watchLogName) }

// cause is why a context has ended, where that is why the work failed.
func cause(ctx context.Context, err error) error {
	if err != nil && errors.Is(err, context.Canceled) {
		return context.Cause(ctx)
	}
	return err
}
