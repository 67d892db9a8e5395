package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/bench/chaingen"
	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
	"coffer.example/coffer/scanner"
	"coffer.example/coffer/utxo"
)

// oracle knows by brute force, from btcd's decoder and maps, what the scripts it was told of have.
type oracle struct {
	// known are the scripts it was told of; nil stands for every script.
	known map[string]bool
	coins map[coins.OutPoint]paid
	sums  map[string]*sum
	total sum
}

// paid is an output.
type paid struct {
	script string
	value  int64
}

// sum is what a script has, and how often it was paid and spent from.
type sum struct{ value, unspent, received, events int64 }

func (o *oracle) block(raw []byte) error {
	var block wire.MsgBlock
	if err := block.Deserialize(bytes.NewReader(raw)); err != nil {
		return err
	}
	for _, tx := range block.Transactions {
		id := coins.TxID(tx.TxHash())
		for _, in := range tx.TxIn {
			at := coins.OutPoint{TxID: coins.TxID(in.PreviousOutPoint.Hash), Vout: in.PreviousOutPoint.Index}
			if p, found := o.coins[at]; found {
				delete(o.coins, at)
				o.book(p.script, sum{-p.value, -1, 0, 1})
			}
		}
		for vout, out := range tx.TxOut {
			script := string(out.PkScript)
			if o.known != nil && !o.known[script] || coins.Unspendable(out.PkScript) {
				continue
			}
			o.coins[coins.OutPoint{TxID: id, Vout: uint32(vout)}] = paid{script, out.Value}
			o.book(script, sum{out.Value, 1, 1, 1})
		}
	}
	return nil
}

func (o *oracle) book(script string, change sum) {
	s := o.sums[script]
	if s == nil {
		s = new(sum)
		o.sums[script] = s
	}
	for _, to := range []*sum{s, &o.total} {
		to.value, to.unspent, to.received, to.events = to.value+change.value, to.unspent+change.unspent, to.received+change.received, to.events+change.events
	}
}

// is says whether a balance is what the oracle knows.
func (s *sum) is(b *utxo.Balance) bool {
	return b.Confirmed == coins.TotalOf(coins.Amount(s.value)) && b.Coins == uint64(s.unspent) && b.Received == uint64(s.received)
}

// read shows the oracle the whole chain.
func (o *oracle) read(ctx context.Context, r *runner, source *node.Node) (err error) {
	var raw []byte
	for _, id := range r.chain.ids {
		if raw, err = source.Block(ctx, id, raw); err != nil {
			return err
		}
		if err := o.block(raw); err != nil {
			return fmt.Errorf("oracle: block %s: %w", id, err)
		}
	}
	return nil
}

// lists of scripts of which some are paid; the other scripts of a large watch set are of a list that nobody pays.
const (
	paidLists  = 2
	unpaidSeed = 99
	watchPart  = 500_000
	// silentSample is how many scripts that were never paid are asked about.
	silentSample = 100_000
)

// watchScript returns number i of a watch set.
func watchScript(i int) []byte {
	if i < paidLists*listSize {
		return chaingen.WatchScript(uint64(1+i/listSize), i%listSize)
	}
	return chaingen.WatchScript(unpaidSeed, i)
}

// prove watches many scripts, scans the chain, and compares every answer with the oracle's.
func (r *runner) prove(ctx context.Context, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "coffer-oracle-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	index, err := r.openIndex(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	known, err := r.watchAll(ctx, index)
	if err != nil {
		return err
	}
	source, err := r.open(ctx, "rest")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	began := time.Now()
	follower := scanner.New(source, index, scanner.Options{Params: r.coin.Params()})
	if err := follower.CatchUp(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d scripts watched; the scan took %s\n", index.WatchCount(), time.Since(began).Round(time.Millisecond))
	o := &oracle{known: known, coins: map[coins.OutPoint]paid{}, sums: map[string]*sum{}}
	if err := o.read(ctx, r, source); err != nil {
		return err
	}
	return r.compare(ctx, out, index, o)
}

func (r *runner) watchAll(ctx context.Context, index *utxo.Index) (known map[string]bool, err error) {
	known = map[string]bool{}
	specs := make([]utxo.WatchSpec, 0, watchPart)
	for i := range r.config.prove {
		script := watchScript(i)
		known[string(script)] = true
		if specs = append(specs, utxo.WatchSpec{Script: script}); len(specs) == watchPart || i+1 == r.config.prove {
			if _, err := index.Watch(ctx, specs, nil); err != nil {
				return nil, err
			}
			specs = specs[:0]
		}
	}
	return known, nil
}

// compare asks the index about every script that was ever paid, about many that were not, and about all together.
func (r *runner) compare(ctx context.Context, out io.Writer, index *utxo.Index, o *oracle) error {
	differ := 0
	for script, want := range o.sums {
		got, err := index.Balance(ctx, []byte(script))
		if err != nil {
			return err
		}
		events, err := eventsOf(ctx, index, []byte(script))
		if err != nil {
			return err
		}
		if !want.is(&got) || events != want.events {
			if differ++; differ <= 10 {
				fmt.Fprintf(out, "script %x: %s, %d coins, %d received, %d events; the oracle has %+v\n", script, got.Confirmed, got.Coins, got.Received, events, *want)
			}
		}
	}
	random, none := rand.New(rand.NewPCG(1, 1)), &sum{}
	for range silentSample {
		script := watchScript(random.IntN(r.config.prove))
		got, err := index.Balance(ctx, script)
		if err != nil {
			return err
		}
		if o.sums[string(script)] == nil && !none.is(&got) {
			differ++
			fmt.Fprintf(out, "script %x was never paid and has %s\n", script, got.Confirmed)
		}
	}
	total, err := index.TotalBalance(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d scripts were paid, %d events, %d unspent coins, %s together; %d answers differ from the oracle's\n",
		len(o.sums), o.total.events, o.total.unspent, total.Confirmed, differ)
	if differ > 0 || !o.total.is(&total) {
		return fmt.Errorf("the index differs from the oracle, which has %+v together", o.total)
	}
	return index.Check(ctx, func(string, int) {})
}

func eventsOf(ctx context.Context, index *utxo.Index, script []byte) (count int64, err error) {
	for page := (utxo.Page{Limit: utxo.MaxPage}); ; {
		list, next, err := index.History(ctx, utxo.HistoryQuery{Script: script, Page: page})
		if count += int64(len(list)); err != nil || next == "" {
			return count, err
		}
		page.Cursor = next
	}
}
