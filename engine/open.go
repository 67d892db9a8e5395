package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
	"coffer.example/coffer/store/badgerkv"
	"coffer.example/coffer/store/watchlog"
	"coffer.example/coffer/utxo"
)

// openIndex returns the coin's index, creating it where there is none.
func (p *part) openIndex(ctx context.Context) (*utxo.Index, error) {
	p.opening.Lock()
	defer p.opening.Unlock()
	return p.openIndexLocked(ctx)
}

func (p *part) openIndexLocked(ctx context.Context) (*utxo.Index, error) {
	if p.live.closed {
		return nil, ErrClosed
	}
	if p.live.index != nil && !p.live.tight {
		return p.live.index, nil
	}
	tight := checkRoom(filepath.Dir(filepath.Dir(p.dir)), p.options.Free) != nil
	if p.live.index != nil && tight {
		return p.live.index, nil
	}
	if err := p.letGo(); err != nil {
		return nil, err
	}
	if err := p.restored(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(p.dir); errors.Is(err, fs.ErrNotExist) {
		if err := p.createIndex(ctx); err != nil {
			return nil, err
		}
	}
	index, err := p.openAt(ctx, p.dir, 0, tight)
	if err != nil {
		return nil, err
	}
	var watched *watchSet // nil on a tight disk: nothing can be changed
	if !tight {
		if watched, err = p.openWatchSet(ctx, index); err != nil {
			return nil, errors.Join(err, index.Close())
		}
	}
	p.set(func() { p.live.index, p.live.watched, p.live.tight = index, watched, tight })
	return index, nil
}

// letGo closes the index for another to take its place.
func (p *part) letGo() error {
	p.mu.Lock()
	index, watched := p.live.index, p.live.watched
	p.live.index, p.live.watched, p.live.scanner = nil, nil, nil
	p.mu.Unlock()
	if index == nil {
		return nil
	}
	return errors.Join(index.Close(), watched.close())
}

// openAt opens the index in a folder; start matters to a new one only. On a tight disk one that is there is opened for
// reading.
func (p *part) openAt(ctx context.Context, dir string, start coins.Height, tight bool) (*utxo.Index, error) {
	full := checkRoom(dir, p.options.Free)
	if full != nil && !tight {
		return nil, fmt.Errorf("index in %s: %w", dir, full)
	}
	store, err := badgerkv.Open(dir, badgerkv.Options{ReadOnly: tight})
	if errors.Is(err, badgerkv.ErrUnclean) {
		return nil, fmt.Errorf("index in %s was not closed the last time, and needs room to be opened: %w", dir, errors.Join(full, ErrDisk))
	}
	if errors.Is(err, badgerkv.ErrLocked) { // Badger's own words only repeat it
		err = fmt.Errorf("index in %s: %w", dir, badgerkv.ErrLocked)
	}
	if err != nil {
		return nil, withRemedy(err)
	}
	roomy := &roomyStore{Store: store, dir: dir, free: p.options.Free}
	index, err := utxo.Open(ctx, roomy, p.coin, utxo.Options{Start: start, MaxReorg: p.config.MaxReorg, Clock: p.options.Clock, Derive: p.derive})
	if err != nil {
		return nil, errors.Join(withRemedy(fmt.Errorf("index in %s: %w", dir, err)), store.Close())
	}
	return index, nil
}

// withRemedy adds what to do to what keeps an index from being opened.
func withRemedy(err error) error {
	for _, known := range []struct {
		err    error
		remedy string
	}{
		{badgerkv.ErrLocked, "wait for that process, or stop it"},
		{badgerkv.ErrCorrupt, "move that folder away: a new index is filled from watch.log"},
		{utxo.ErrCorrupt, "move that folder away: a new index is filled from watch.log"},
		{utxo.ErrForeign, "give each coin and network its own folder"},
		{utxo.ErrNewer, "use the version that wrote it, or a later one"},
		{watchlog.ErrForeign, "give each coin and network its own folder"},
		{watchlog.ErrNewer, "use the version that wrote it, or a later one"},
	} {
		if errors.Is(err, known.err) {
			return fmt.Errorf("%w: %s", err, known.remedy)
		}
	}
	return err
}

// createIndex makes a new index in a side folder and renames it when it is whole: a folder of the right name is an
// index that knows where it begins, whenever the process is killed.
func (p *part) createIndex(ctx context.Context) error {
	start, err := p.resolveStart(ctx)
	if err != nil {
		return err
	}
	unlock, err := lockFolder(filepath.Dir(p.dir))
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(p.dir); err == nil {
		return nil // another process was faster
	}
	side := p.dir + ".new"
	if err := os.RemoveAll(side); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if err := os.MkdirAll(side, 0o700); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	index, err := p.openAt(ctx, side, start, false)
	if err != nil {
		return err
	}
	if err := index.Close(); err != nil {
		return fmt.Errorf("index in %s: %w", side, err)
	}
	if err := os.Rename(side, p.dir); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return syncFolder(filepath.Dir(p.dir))
}

// lockFolder makes a folder and waits until no other process has it locked. It is for what takes a moment: a command and
// the daemon that starts beside it must not make the same index.
func lockFolder(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	folder, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	err = syscall.EINTR
	for errors.Is(err, syscall.EINTR) {
		err = syscall.Flock(int(folder.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), folder.Close())
	}
	return func() { _ = folder.Close() }, nil // closing gives the lock back
}

// syncFolder makes a rename in the folder durable.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// resolveStart asks the node for its tip where a new index is to begin there: startBelow blocks below it.
func (p *part) resolveStart(ctx context.Context) (coins.Height, error) {
	if !p.config.Start.Tip {
		return p.config.Start.Height, nil
	}
	client, err := p.openNodesLocked(ctx)
	if err != nil {
		return 0, err
	}
	tip, err := client.Tip(ctx)
	if err != nil {
		return 0, fmt.Errorf("a new index begins at the node's tip (start: tip), and the node has to tell it once: %w", err)
	}
	if client.Status().Info.InitialDownload && p.config.Network != coins.Regtest {
		return 0, fmt.Errorf("a new index begins at the node's tip (start: tip): %w", node.ErrInitialDownload)
	}
	// What an import has read below an index's first block cannot be undone: one that begins at the very tip would be
	// halted by the next orphan.
	info := client.Status().Info
	return max(0, tip.Height-min(startBelow, p.config.MaxReorg), info.PruneHeight), nil
}

// startBelow is how many blocks below the node's tip a new index begins that is to begin there. Pruned nodes keep twice
// as many.
const startBelow = 144
