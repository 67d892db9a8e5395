package engine

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/badgerkv"
	"coffer.example/coffer/store/snapshot"
	"coffer.example/coffer/utxo"
)

// RestoreRequest asks for indexes from a snapshot.
type RestoreRequest struct {
	// From is the snapshot's folder, an absolute path.
	From string `json:"from"`
	// Coins are those to restore; none for every coin of the snapshot.
	Coins []coins.Symbol `json:"coins,omitempty"`
	// Verify proves every invariant of what was loaded, and that its digest is the snapshot's.
	Verify bool `json:"verify,omitempty"`
	// Replace moves an index that is there aside. Without it that is refused.
	Replace bool `json:"replace,omitempty"`
}

// RestoreReport says what was restored.
type RestoreReport struct {
	Coins []RestoredCoin `json:"coins"`
	Took  time.Duration  `json:"took_ns"`
}

// RestoredCoin is one coin's index that was restored.
type RestoredCoin struct {
	SnapshotCoin
	Verified bool `json:"verified"`
	// Replaced is the folder that the index from before is kept in, "" where there was none.
	Replaced string `json:"replaced,omitempty"`
	// WatchLog says what became of the watch set's own file: restored, kept (there was one, which the index is filled up
	// from), or "" where the snapshot has none.
	WatchLog string `json:"watch_log,omitempty"`
}

// Suffixes of folders beside an index's. One that is being restored is nothing yet; one that is restored is the index
// from now on, and takes its name when the index is opened next; one that was replaced is kept.
const (
	restoringSuffix = ".restoring"
	restoredSuffix  = ".restored"
	replacedSuffix  = ".replaced-"
)

// Restore is [Snapshots]'.
func (e *Engine) Restore(ctx context.Context, request RestoreRequest) (report RestoreReport, err error) {
	began := e.options.Clock()
	if !filepath.IsAbs(request.From) {
		return report, fmt.Errorf("restore from %q: an absolute path is needed: %w", request.From, ErrInput)
	}
	from, err := snapshot.Open(request.From)
	if err != nil {
		return report, err
	}
	var parts []*part
	var saved []*snapshot.Coin
	for i := range from.Manifest.Coins {
		c := &from.Manifest.Coins[i]
		if len(request.Coins) > 0 && !slices.Contains(request.Coins, c.Coin) {
			continue
		}
		p, err := e.restorable(c, request.Replace)
		if err != nil {
			return report, err
		}
		parts, saved = append(parts, p), append(saved, c)
	}
	for _, symbol := range request.Coins {
		if !slices.ContainsFunc(saved, func(c *snapshot.Coin) bool { return c.Coin == symbol }) {
			return report, fmt.Errorf("the snapshot has no %s: %w", symbol, ErrNotFound)
		}
	}
	for i, p := range parts {
		restored, err := p.restore(ctx, from, saved[i], request)
		if err != nil {
			return report, fmt.Errorf("%s: %w", p.config.Symbol, err)
		}
		report.Coins = append(report.Coins, restored)
	}
	report.Took = e.options.Clock().Sub(began)
	return report, nil
}

// restorable returns the part that a saved coin goes to, where it may.
func (e *Engine) restorable(c *snapshot.Coin, replace bool) (*part, error) {
	p, err := e.part(c.Coin)
	if err != nil {
		return nil, err
	}
	if p.config.Network != c.Network || p.coin.Params().Chain.Genesis != c.Genesis {
		return nil, fmt.Errorf("the snapshot is of %s %s (genesis %s), configured is %s %s: %w", c.Coin, c.Network, c.Genesis, c.Coin, p.config.Network, ErrInput)
	}
	if c.IndexFormat > utxo.FormatVersion {
		return nil, fmt.Errorf("%s: rows of format %d: %w", c.Coin, c.IndexFormat, utxo.ErrNewer)
	}
	return p, p.mayReplace(replace)
}

func (p *part) mayReplace(replace bool) error {
	if !replace && p.hasIndex() {
		return fmt.Errorf("%s has an index in %s already: --replace moves it aside, and keeps it: %w", p.config.Symbol, p.dir, ErrConflict)
	}
	return nil
}

// restore loads the coin's index beside the one that is there, and puts it in its place when it is complete.
func (p *part) restore(ctx context.Context, from *snapshot.Snapshot, c *snapshot.Coin, request RestoreRequest) (RestoredCoin, error) {
	restored := RestoredCoin{SnapshotCoin: snapshotCoin(c), Verified: request.Verify}
	ctx, task, end, err := p.begin(ctx, "restore")
	if err != nil {
		return restored, err
	}
	defer end()
	side := p.dir + restoringSuffix
	if err := vacate(side); err != nil {
		return restored, err
	}
	err = p.fill(ctx, from, c, request.Verify, task)
	if err == nil {
		err = p.putInPlace(ctx, from, c, request.Replace, &restored)
	}
	if err != nil {
		return restored, errors.Join(cause(ctx, err), os.RemoveAll(side))
	}
	return restored, nil
}

// vacate makes an empty folder for an index, in place of what an interrupted restore left.
func vacate(side string) error {
	release, err := badgerkv.Hold(side)
	if errors.Is(err, badgerkv.ErrLocked) {
		return fmt.Errorf("another process restores this coin: %w", ErrConflict)
	}
	if err == nil {
		release()
		err = os.RemoveAll(side)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("restore: %w", err)
	}
	if err := os.MkdirAll(side, 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

// fill makes an index of the snapshot's rows in the side folder, closed when fill returns.
func (p *part) fill(ctx context.Context, from *snapshot.Snapshot, c *snapshot.Coin, verify bool, t *task) error {
	side := p.dir + restoringSuffix
	part, _ := c.Part(snapshot.KindRows)
	t.total.Store(part.Rows)
	if err := p.roomFor(side, 2*part.Bytes); err != nil {
		return err
	}
	store, err := badgerkv.Open(side, badgerkv.Options{})
	if err != nil {
		return err
	}
	roomy := &roomyStore{Store: store, dir: side, free: p.options.Free}
	marked, err := p.goesOn(c)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	err = utxo.Load(ctx, roomy, p.coin, rand.Reader, func(each func(key, value []byte) error) error {
		return from.Rows(ctx, part, func(key, value []byte) error {
			t.done.Add(1)
			if !marked && utxo.IsMark(key) {
				return nil
			}
			return each(key, value)
		})
	})
	if err != nil || !verify {
		return errors.Join(err, store.Close())
	}
	index, err := utxo.Open(ctx, roomy, p.coin, utxo.Options{MaxReorg: p.config.MaxReorg, Clock: p.options.Clock, Derive: p.derive})
	if err != nil {
		return errors.Join(err, store.Close())
	}
	proof, err := index.Prove(ctx, func(string, int) {})
	if err == nil && fmt.Sprintf("%x", proof.Digest[:]) != c.Digest {
		err = fmt.Errorf("digest is %x, the snapshot's %s: %w", proof.Digest[:], c.Digest, snapshot.ErrDamaged)
	}
	return errors.Join(err, index.Close())
}

// goesOn says whether the watch log that is there begins with the bytes of the snapshot's: then the mark of the saved
// index is a place in it. Another may have the same id and length: that of an older copy, which was written on since. An
// index that comes to it has no mark, and both take all that the other has.
func (p *part) goesOn(c *snapshot.Coin) (bool, error) {
	part, found := c.Part(snapshot.KindWatchLog)
	if !found {
		return false, nil
	}
	file, err := os.Open(p.watchLog())
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil // the snapshot's will be there
	}
	if err != nil {
		return false, fmt.Errorf("watch log: %w", err)
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(file, part.Bytes))
	if err != nil {
		return false, fmt.Errorf("watch log: %w", err)
	}
	return n == part.Bytes && fmt.Sprintf("%x", sum.Sum(nil)) == part.SHA256, nil
}

// roomFor makes sure that there is room for so many bytes and what an index keeps free.
func (p *part) roomFor(dir string, bytes int64) error {
	free, err := p.options.Free(dir)
	if err != nil {
		return fmt.Errorf("free space of %s: %w", dir, err)
	}
	if need := uint64(bytes) + diskReserve; free < need {
		return fmt.Errorf("%d MB are free in %s, and this may take %d MB: %w", free>>20, dir, need>>20, ErrDisk)
	}
	return nil
}

// restoreWatchLog puts the snapshot's watch log in its place where there is none. One that is there stays: it has what
// was imported since, and the index is filled up from it when it is opened. The folder is locked, and nobody has the index
// open: else they could make a log meanwhile, to which they go on writing when the other has its name.
func (p *part) restoreWatchLog(ctx context.Context, from *snapshot.Snapshot, c *snapshot.Coin) (string, error) {
	part, found := c.Part(snapshot.KindWatchLog)
	if !found {
		return "", nil
	}
	if _, err := os.Stat(p.watchLog()); err == nil {
		return "kept", nil
	}
	side := p.watchLog() + restoringSuffix
	if err := from.CopyTo(ctx, part, side); err != nil {
		return "", err
	}
	if err := os.Rename(side, p.watchLog()); err != nil {
		return "", fmt.Errorf("restore the watch log: %w", err)
	}
	return "restored", syncFolder(filepath.Dir(p.watchLog()))
}

// putInPlace makes a loaded folder the coin's index. The one rename to restoredSuffix decides: before it the old one is
// the index, after it the new one, whenever the process is killed.
func (p *part) putInPlace(ctx context.Context, from *snapshot.Snapshot, c *snapshot.Coin, replace bool, done *RestoredCoin) error {
	p.interrupt()
	defer p.turn.active.Unlock()
	p.opening.Lock()
	defer p.opening.Unlock()
	if p.live.closed {
		return ErrClosed
	}
	if err := p.letGo(); err != nil {
		return err
	}
	if err := p.restored(); err != nil { // one before, which was killed in between
		return err
	}
	unlock, err := lockFolder(filepath.Dir(p.dir))
	if err != nil {
		return err
	}
	defer unlock()
	if err := p.mayReplace(replace); err != nil {
		return err
	}
	release, err := p.nobodyElse()
	if err != nil {
		return err
	}
	defer release()
	if done.WatchLog, err = p.restoreWatchLog(ctx, from, c); err != nil {
		return err
	}
	if err := os.Rename(p.dir+restoringSuffix, p.dir+restoredSuffix); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := syncFolder(filepath.Dir(p.dir)); err != nil {
		return err
	}
	done.Replaced, err = p.finishRestore()
	return err
}

// nobodyElse makes sure that no process has the index open that is about to be moved aside, nor opens it until release is
// called.
func (p *part) nobodyElse() (release func(), err error) {
	release, err = badgerkv.Hold(p.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, withRemedy(err)
	}
	return release, nil
}

// restored finishes a restore that was interrupted after it was decided.
func (p *part) restored() error {
	if _, err := os.Stat(p.dir + restoredSuffix); err != nil {
		return nil
	}
	unlock, err := lockFolder(filepath.Dir(p.dir))
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(p.dir + restoredSuffix); err != nil {
		return nil // another process was faster
	}
	release, err := p.nobodyElse()
	if err != nil {
		return err
	}
	defer release()
	_, err = p.finishRestore()
	return err
}

// finishRestore moves the index from before aside and gives the restored one its name. The folder around them is
// locked.
func (p *part) finishRestore() (replaced string, err error) {
	if _, err := os.Stat(p.dir); err == nil {
		replaced = p.dir + replacedSuffix + p.options.Clock().UTC().Format("20060102T150405.000000000")
		if err := os.Rename(p.dir, replaced); err != nil {
			return "", fmt.Errorf("restore: %w", err)
		}
	}
	if err := os.Rename(p.dir+restoredSuffix, p.dir); err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	return replaced, syncFolder(filepath.Dir(p.dir))
}
