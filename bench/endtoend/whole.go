package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
	"coffer.example/coffer/scanner"
	"coffer.example/coffer/store/badgerkv"
	"coffer.example/coffer/utxo"
	"coffer.example/coffer/utxo/whole"
)

// limited is a node whose chain seems to end at a height.
type limited struct {
	*node.Node
	tip coins.BlockID
}

// Tip implements scanner.Source.
func (l limited) Tip(context.Context) (coins.BlockID, error) { return l.tip, nil }

// Headers implements scanner.Source.
func (l limited) Headers(ctx context.Context, from coins.Height, limit int) ([]coins.RawHeader, error) {
	limit = min(limit, int(l.tip.Height-from)+1)
	if limit <= 0 {
		return nil, nil
	}
	return l.Node.Headers(ctx, from, limit)
}

// MempoolIDs implements scanner.Source.
func (l limited) MempoolIDs(context.Context) ([]coins.TxID, error) { return nil, nil }

// wholes measures building the index of every script.
func (r *runner) wholes(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, "| transport | transactions in memory | MB/s | CPU s | node's CPU s | peak memory | disk | bytes a block byte | bytes an output | rows | runs |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|---|")
	for _, transport := range list(r.config.transports) {
		source, err := r.open(ctx, transport)
		if err != nil {
			return err
		}
		for range r.config.rounds {
			err = errors.Join(err, r.whole(ctx, out, source))
		}
		if err = errors.Join(err, source.Close()); err != nil {
			return fmt.Errorf("%s: %w", transport, err)
		}
	}
	return nil
}

func (r *runner) whole(ctx context.Context, out io.Writer, source *node.Node) (err error) {
	dir, err := os.MkdirTemp("", "coffer-whole-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	index, err := r.openWhole(ctx, dir)
	if err != nil {
		return err
	}
	follower := scanner.New(limited{source, r.chain.ids[len(r.chain.ids)-1]}, index, scanner.Options{Params: r.coin.Params()})
	spent, err := timed(r.at.PID, func() (int64, error) {
		return r.chainBytes, r.profiled(func() error { return errors.Join(follower.CatchUp(ctx), index.Close()) })
	})
	if err != nil {
		return err
	}
	if index, err = r.openWhole(ctx, dir); err != nil {
		return err
	}
	stats, err := index.Stats(ctx)
	if err = errors.Join(err, index.Close()); err != nil {
		return err
	}
	disk, rows, err := weigh(ctx, dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "| %s | %d | %.1f | %.1f | %.1f | %d MB | %d MB | %.2f | %.0f | %d | %d |\n", source.Status().Transport, r.config.recent,
		spent.rate(), spent.CPU.Seconds(), spent.Node.Seconds(), spent.Peak/1e6, disk/1e6, float64(disk)/float64(r.chainBytes),
		float64(disk)/float64(stats.Funded), rows, stats.Runs)
	return nil
}

func (r *runner) openWhole(ctx context.Context, dir string) (*whole.Index, error) {
	store, err := badgerkv.Open(dir, badgerkv.Options{MemTable: whole.MemTable, Rows: whole.MaxRows, LevelBase: whole.LevelBase})
	if err != nil {
		return nil, err
	}
	index, err := whole.Open(ctx, store, r.coin, whole.Options{Recent: r.config.recent})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return index, nil
}

// weigh counts the rows of a closed index, and the bytes of its folder when it has been closed.
func weigh(ctx context.Context, dir string) (disk int64, rows int, err error) {
	store, err := badgerkv.Open(dir, badgerkv.Options{MemTable: whole.MemTable, Rows: whole.MaxRows, LevelBase: whole.LevelBase})
	if err != nil {
		return 0, 0, err
	}
	err = store.View(ctx, func(r utxo.Reader) error {
		return r.Scan(nil, nil, false, func(_, _ []byte) error {
			rows++
			return nil
		})
	})
	if err = errors.Join(err, store.Close()); err != nil {
		return 0, 0, err
	}
	disk, err = store.Size()
	return disk, rows, err
}
