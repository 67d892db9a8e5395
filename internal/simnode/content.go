package simnode

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"coffer.example/coffer/coins"
)

// Content is something that goes into a block that is mined. Every block of a
// Mine call gets all of its contents, in order; what waits in the mempool
// comes behind them.
type Content func(*draft) error

// Pay pays an amount to a script out of the chain's own coins.
func Pay(script []byte, amount coins.Amount) Content {
	return Spend(TxSpec{Outputs: []Out{{Value: amount, Script: script}}})
}

// Spend adds the transaction of a spec.
func Spend(spec TxSpec) Content {
	return func(d *draft) error {
		tx, err := d.view.build(spec, d.rng)
		if err != nil {
			return err
		}
		return d.include(tx)
	}
}

// Include adds a transaction that was built before.
func Include(txs ...*Tx) Content {
	return func(d *draft) error {
		for _, tx := range txs {
			if err := d.include(tx); err != nil {
				return err
			}
		}
		return nil
	}
}

// ChainOf adds count transactions, each of which spends an output of the one
// before it and pays the amount to the script.
func ChainOf(count int, script []byte, amount coins.Amount) Content {
	return func(d *draft) error {
		spec := TxSpec{Outputs: []Out{{Value: amount, Script: script}}}
		for range count {
			tx, err := d.view.build(spec, d.rng)
			if err != nil {
				return err
			}
			if err := d.include(tx); err != nil {
				return err
			}
			id := tx.ID()
			spec.Inputs = []coins.OutPoint{{TxID: id, Vout: uint32(len(tx.Outs) - 1)}}
		}
		return nil
	}
}

// Data adds a transaction with an OP_RETURN output.
func Data(data []byte) Content { return Pay(DataScript(data), 0) }

// FanOut adds a transaction with count outputs of an amount each, to scripts
// that pay to nobody.
func FanOut(count int, each coins.Amount) Content {
	return func(d *draft) error {
		return Spend(TxSpec{Outputs: randomOuts(d.rng, d.chain.params.Format, count, each)})(d)
	}
}

func randomOuts(rng *rand.Rand, f coins.Format, count int, each coins.Amount) []Out {
	outs := make([]Out, count)
	for i := range outs {
		outs[i] = Out{Value: each, Script: AnyScript(rng, f)}
	}
	return outs
}

// CoinbaseTo pays the reward to a script.
func CoinbaseTo(script []byte) Content {
	return func(d *draft) error { d.reward = slices.Clone(script); return nil }
}

// At sets the block's time.
func At(t time.Time) Content {
	return func(d *draft) error { d.time = uint32(t.Unix()); return nil }
}

// WithoutMempool leaves what waits in the mempool where it is.
func WithoutMempool() Content {
	return func(d *draft) error { d.noPool = true; return nil }
}

// PegIn moves an amount into the MWEB: a transaction with a peg-in output, which
// the block's HogEx takes in (Litecoin). It fails with [ErrNoMWEB].
func PegIn(amount coins.Amount) Content {
	return func(d *draft) error {
		if !d.chain.params.Format.MWEB || d.view.height < d.chain.config.MWEBFrom {
			return fmt.Errorf("peg-in at height %d: %w", d.view.height, ErrNoMWEB)
		}
		return Pay(pegInScript(d.rng), amount)(d)
	}
}

// PegOut pays an amount from the MWEB to a script, as an output of the block's
// HogEx. It fails with [ErrFunds] where the MWEB holds less, and with
// [ErrNoMWEB] before the first peg-in.
func PegOut(script []byte, amount coins.Amount) Content {
	return func(d *draft) error {
		d.pegOuts = append(d.pegOuts, Out{Value: amount, Script: slices.Clone(script)})
		return nil
	}
}

// Fill adds transactions of the size that wallets make until the block holds
// about so many bytes of them: two inputs and four outputs each, where there
// are coins of earlier filler to spend. It makes big blocks quickly.
func Fill(bytes int) Content {
	return func(d *draft) error {
		until := d.size + bytes
		for d.size < until {
			tx, err := d.filler(until - d.size)
			if err != nil {
				return err
			}
			if err := d.include(tx); err != nil {
				return err
			}
		}
		return nil
	}
}

// fillerValue is what an output of filler holds: enough to be spent and split.
const fillerValue = 100_000

// filler makes one transaction. Its outputs pay to nobody and are remembered as
// ballast, which later filler spends.
func (d *draft) filler(room int) (*Tx, error) {
	c := d.chain
	var inputs []coins.OutPoint
	for len(inputs) < 2 && len(c.coins.ballast) > 0 {
		op := c.coins.ballast[0]
		c.coins.ballast = c.coins.ballast[1:]
		if _, ok := d.view.coin(op); ok {
			inputs = append(inputs, op)
		}
	}
	outs := randomOuts(d.rng, c.params.Format, min(4, max(1, room/40)), fillerValue)
	tx, err := d.view.build(TxSpec{Inputs: inputs, Outputs: outs, Fee: fillerValue / 10}, d.rng)
	if err != nil {
		return nil, err
	}
	id := tx.ID()
	for n := range outs {
		c.coins.ballast = append(c.coins.ballast, coins.OutPoint{TxID: id, Vout: uint32(n)})
	}
	return tx, nil
}
