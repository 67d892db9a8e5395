package simnode

import (
	"bytes"
	"slices"

	"coffer.example/coffer/coins"
)

// Coin is an unspent output.
type Coin struct {
	OutPoint coins.OutPoint
	Value    coins.Amount
	Script   []byte
	// Height is that of the block that made it; of an unconfirmed one, the
	// height that it may be mined at.
	Height coins.Height
	// Coinbase and PegOut say what holds it back until it is mature.
	Coinbase, PegOut bool
}

// coinSet is what nodes call the chain state: all unspent outputs as of one
// block.
type coinSet struct {
	unspent map[coins.OutPoint]Coin
	own     []byte
	// queue holds every unspent output to own at least once, and spent ones
	// that have not been weeded out yet, in the order in which they appeared.
	queue []coins.OutPoint
	// ballast are outputs of filler, spent or not, for later filler to spend.
	ballast []coins.OutPoint
}

func newCoinSet(own []byte) coinSet {
	return coinSet{unspent: make(map[coins.OutPoint]Coin), own: own}
}

func (s *coinSet) add(coin Coin) {
	s.unspent[coin.OutPoint] = coin
	if bytes.Equal(coin.Script, s.own) {
		s.queue = append(s.queue, coin.OutPoint)
	}
}

// weed drops what has been spent from the head of the queue.
func (s *coinSet) weed() {
	dead := 0
	for dead < len(s.queue) {
		if _, unspent := s.unspent[s.queue[dead]]; unspent {
			break
		}
		dead++
	}
	s.queue = s.queue[dead:]
}

// mature reports whether a coin can be spent by a block at a height.
func (c *Chain) mature(coin Coin, height coins.Height) bool {
	switch {
	case coin.Coinbase:
		return height >= coin.Height+c.params.Chain.MaturityOf(coin.Height)
	case coin.PegOut:
		return height >= coin.Height+c.params.Chain.PegOutMaturity
	}
	return true
}

// connect applies a block whose parent the coin set stands at. Where the block
// breaks a rule the set is as before and the block is marked invalid.
func (c *Chain) connect(b *block) error {
	layout, err := c.layout(b)
	if err != nil {
		return err
	}
	b.spent = b.spent[:0]
	var minted, fees coins.Amount
	for i := range layout.TxCount() {
		fee, err := c.connectTx(b, layout, i)
		if err != nil {
			c.unwind(b, layout, i)
			b.invalid = true
			return err
		}
		if i == 0 {
			minted = -fee
		} else {
			fees += fee
		}
	}
	if minted > c.rules.subsidy(b.id.Height)+fees {
		c.unwind(b, layout, layout.TxCount())
		b.invalid = true
		return rejectBlock("bad-cb-amount")
	}
	b.hog = hogAfter(b, layout)
	b.connected = true
	return nil
}

// connectTx spends and makes the coins of transaction i, and returns what its
// inputs hold beyond its outputs.
func (c *Chain) connectTx(b *block, l *coins.Layout, i int) (fee coins.Amount, err error) {
	span, next := &l.Txs[i], &l.Txs[i+1]
	mark := len(b.spent)
	for n := span.FirstIn; n < next.FirstIn && i > 0; n++ {
		coin, ok := c.coins.unspent[l.OutPoint(b.raw, int(n))]
		switch {
		case !ok:
			err = rejectBlock("bad-txns-inputs-missingorspent")
		case !c.mature(coin, b.id.Height):
			err = rejectBlock("bad-txns-premature-spend-of-coinbase")
		}
		if err != nil {
			c.restore(b.spent[mark:])
			b.spent = b.spent[:mark]
			return 0, err
		}
		delete(c.coins.unspent, coin.OutPoint)
		b.spent = append(b.spent, coin)
		fee += coin.Value
	}
	for n := span.FirstOut; n < next.FirstOut; n++ {
		value, script := l.Value(b.raw, int(n)), l.Script(b.raw, int(n))
		fee -= value
		if coins.Unspendable(script) {
			continue
		}
		c.coins.add(Coin{
			OutPoint: coins.OutPoint{TxID: b.txs[i], Vout: n - span.FirstOut},
			Value:    value, Script: script, Height: b.id.Height, Coinbase: i == 0, PegOut: l.PegOut(int(n)),
		})
	}
	if fee < 0 && i > 0 {
		c.unwindTx(b, l, i)
		return 0, rejectBlock("bad-txns-in-belowout")
	}
	return fee, nil
}

// unwind takes the first count transactions of a block back out of the set.
func (c *Chain) unwind(b *block, l *coins.Layout, count int) {
	for i := count - 1; i >= 0; i-- {
		c.unwindTx(b, l, i)
	}
	c.coins.weed()
}

// unwindTx takes back transaction i, whose spent coins are the last of b.spent.
func (c *Chain) unwindTx(b *block, l *coins.Layout, i int) {
	span, next := &l.Txs[i], &l.Txs[i+1]
	for n := span.FirstOut; n < next.FirstOut; n++ {
		delete(c.coins.unspent, coins.OutPoint{TxID: b.txs[i], Vout: n - span.FirstOut})
	}
	if i == 0 {
		return
	}
	mark := len(b.spent) - int(next.FirstIn-span.FirstIn)
	c.restore(b.spent[mark:])
	b.spent = b.spent[:mark]
}

func (c *Chain) restore(spent []Coin) {
	for _, coin := range spent {
		c.coins.add(coin)
	}
}

// disconnect takes the block that the coin set stands at back out of it.
func (c *Chain) disconnect(b *block) error {
	layout, err := c.layout(b)
	if err != nil {
		return err
	}
	c.unwind(b, layout, layout.TxCount())
	return nil
}

// UTXOs returns the confirmed unspent outputs to the scripts in chain order of
// their blocks; with no scripts given, all there are.
func (c *Chain) UTXOs(scripts ...[]byte) []Coin {
	wanted := make(map[string]bool, len(scripts))
	for _, script := range scripts {
		wanted[string(script)] = true
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.selectCoins(func(coin Coin) bool { return len(scripts) == 0 || wanted[string(coin.Script)] })
}

func (c *Chain) selectCoins(want func(Coin) bool) (found []Coin) {
	for _, coin := range c.coins.unspent {
		if want(coin) {
			found = append(found, coin)
		}
	}
	slices.SortFunc(found, func(a, b Coin) int {
		if a.Height != b.Height {
			return int(a.Height) - int(b.Height)
		}
		if order := bytes.Compare(a.OutPoint.TxID[:], b.OutPoint.TxID[:]); order != 0 {
			return order
		}
		return int(a.OutPoint.Vout) - int(b.OutPoint.Vout)
	})
	return found
}
