package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/badgerkv"
	"coffer.example/coffer/utxo"
)

// checkIndex opens a coin's index, as the daemon would, and says what it holds. One that a daemon has open is the
// daemon's to tell of.
func checkIndex(ctx context.Context, config *Config, c *CoinConfig, coin coins.Coin) Finding {
	f := Finding{Coin: c.Symbol, Check: "index", Level: LevelOK}
	dir := config.IndexDir(c)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		f.Text = "none yet: the daemon makes it"
		if _, err := os.Stat(dir + restoredSuffix); err == nil {
			f.Text = "restored: the daemon puts it in its place"
		}
		return f
	}
	fault := func(err error) Finding {
		f.Level, f.Text = LevelFault, withRemedy(fmt.Errorf("%s: %w", dir, err)).Error()
		f.Remedy = "`coffer restore --replace` brings back a snapshot; docs/troubleshooting.md has the other ways"
		return f
	}
	tight := checkRoom(config.DataDir, freeSpace) != nil
	store, err := badgerkv.Open(dir, badgerkv.Options{ReadOnly: tight})
	switch {
	case errors.Is(err, badgerkv.ErrLocked):
		f.Text = "open in another process: `coffer status` asks it"
		return f
	case errors.Is(err, badgerkv.ErrUnclean):
		f.Level, f.Text, f.Remedy = LevelAdvice, "was not closed the last time, and needs room to be looked at", "free some space"
		return f
	case err != nil:
		return fault(err)
	}
	index, err := utxo.Open(ctx, store, coin, utxo.Options{MaxReorg: c.MaxReorg})
	if err != nil {
		return fault(errors.Join(err, store.Close()))
	}
	f.Text, err = indexText(ctx, index, store)
	if err = errors.Join(err, index.Close()); err != nil {
		return fault(err)
	}
	return f
}

// indexText says what an index holds.
func indexText(ctx context.Context, index *utxo.Index, store *badgerkv.Store) (string, error) {
	tip, begun, err := index.Tip(ctx)
	if err != nil {
		return "", err
	}
	size, err := store.Size()
	if err != nil {
		return "", err
	}
	at := "no block yet"
	if begun {
		at = fmt.Sprintf("at block %d", tip.Height)
	}
	return fmt.Sprintf("%s, %d addresses, %.1f MB", at, index.WatchCount(), float64(size)/1e6), nil
}
