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
// about so many bytes of them: two inputs and two outputs each, to scripts that
// pay to nobody. It makes big blocks quickly.
func Fill(bytes int) Content {
	return func(d *draft) error {
		until := d.size + bytes
		for d.size < until {
			tx, err := d.filler()
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

// Filler spends outputs of earlier filler, in turns. Each begins with a value
// that lasts for a thousand of them.
const (
	fillerCoins = 1000 // kept in turn
	fillerFan   = 250  // made at once where there are fewer
	fillerValue = 1_000_000
	fillerFee   = 2000
)

// filler makes one transaction, and remembers its outputs for later ones.
func (d *draft) filler() (*Tx, error) {
	ballast := &d.chain.coins.ballast
	spec := TxSpec{Fee: fillerFee}
	f := d.chain.params.Format
	if len(*ballast) < fillerCoins {
		spec.Outputs = randomOuts(d.rng, f, fillerFan, fillerValue)
	} else {
		in := coins.Amount(0)
		for len(spec.Inputs) < 2 && len(*ballast) > 0 {
			op := (*ballast)[0]
			*ballast = (*ballast)[1:]
			if coin, ok := d.view.coin(op); ok && coin.Value > 2*fillerFee {
				spec.Inputs = append(spec.Inputs, op)
				in += coin.Value
			}
		}
		each := max((in-fillerFee)/2, fillerFee)
		spec.Outputs = randomOuts(d.rng, f, 2, each)
	}
	tx, err := d.view.build(spec, d.rng)
	if err != nil {
		return nil, err
	}
	id := tx.ID()
	for n := range spec.Outputs {
		*ballast = append(*ballast, coins.OutPoint{TxID: id, Vout: uint32(n)})
	}
	return tx, nil
}
