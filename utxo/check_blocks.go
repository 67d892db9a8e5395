package utxo

import (
	"errors"

	"coffer.example/coffer/coins"
)

// blockWeight sums up rows of many blocks, each spread by its height.
type blockWeight [3]uint64

func (w *blockWeight) add(height coins.Height, flags coinFlags, sum sumRow) {
	weight := weigh(numberOf(height, uint32(flags&flagCoinbase)+1))
	low := sum.confirmed.AppendBinary(nil)
	d := decoder{rest: low[8:]}
	w[0] += weight * d.u64()
	w[1] += weight * sum.coins
	w[2] += weight * sum.received
}

// blockSums checks that the blocks' sums are those of the history, and that
// together they are the index's own.
func (c *checker) blockSums() error {
	var blocks, generated blockWeight
	var sum sumRow
	err := c.scan(tableBlockSum, func(key, value []byte) error {
		height := heightOfKey(key)
		row, err := decodeBlockRow(value)
		if err != nil {
			return err
		}
		if !c.x.state.hasTip || height > c.x.state.tip.Height || row == (blockRow{}) {
			return c.failf("sum of block %d, which is empty or above the tip", height)
		}
		sum = sum.plus(row.delta)
		blocks.add(height, 0, row.delta)
		generated.add(height, flagCoinbase, sumRow{confirmed: row.coinbase})
		generated.add(height, flagPegOut, sumRow{confirmed: row.pegOut})
		return nil
	})
	if sum != c.x.state.sum || blocks != c.sums.blocks || generated != c.sums.generated {
		return errors.Join(err, c.failf("the blocks' sums make %v, the state says %v, the history of blocks %x and not %x, generated coins %x and not %x",
			sum, c.x.state.sum, c.sums.blocks, blocks, c.sums.generated, generated))
	}
	return err
}
