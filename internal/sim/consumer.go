package sim

import (
	"context"
	"fmt"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/utxo"
)

// consumer follows the change log with a cursor of its own and keeps what a
// ledger would: the chain it was told of, the coins, what waits.
type consumer struct {
	start coins.Height
	index utxo.IndexID
	seq   utxo.Seq
	// chain is what it was told of, from the start on.
	chain []coins.BlockID
	// gone is the block disconnected last: what follows undoes it.
	gone  coins.BlockID
	coins map[toldCoin]string // and its script
	// waits are the unconfirmed transactions with the coins that they make or
	// spend. That a coin would be spent is void when the coin is.
	waits map[coins.TxID]map[coins.OutPoint]string
}

// toldCoin names a coin by its block too, for coinbases of the same id.
type toldCoin struct {
	at     coins.OutPoint
	height coins.Height
}

func newConsumer(start coins.Height) *consumer {
	return &consumer{start: start, coins: map[toldCoin]string{}, waits: map[coins.TxID]map[coins.OutPoint]string{}}
}

// follow reads at most limit changes, in pages; 0 for all.
func (c *consumer) follow(ctx context.Context, x *utxo.Index, limit int) error {
	for n := 0; c.seq < x.LastSeq() && (limit == 0 || n < limit); {
		page := 7
		if limit > 0 {
			page = min(page, limit-n)
		}
		changes, err := x.ChangesSince(ctx, c.cursor(), page)
		if err != nil {
			return err
		}
		if len(changes) == 0 || len(changes) > page {
			return fmt.Errorf("%w: %d changes after %d, the last is %d", ErrBroken, len(changes), c.seq, x.LastSeq())
		}
		for i := range changes {
			if changes[i].Seq != c.seq+1 {
				return fmt.Errorf("%w: change %d after %d", ErrBroken, changes[i].Seq, c.seq)
			}
			c.seq = changes[i].Seq
			if err := c.take(&changes[i]); err != nil {
				return fmt.Errorf("change %d: %w", c.seq, err)
			}
		}
		n += len(changes)
	}
	return nil
}

// consumerName is its cursor's.
const consumerName = "sim"

func (c *consumer) cursor() utxo.Cursor {
	at := utxo.Cursor{Name: consumerName, Index: c.index, Seq: c.seq}
	if len(c.chain) > 0 {
		at.Block = c.tip()
	}
	return at
}

// register makes the cursor, without which the log is not kept for it.
func (c *consumer) register(ctx context.Context, x *utxo.Index) error {
	c.index = x.ID()
	list, err := x.Cursors(ctx)
	if err != nil || len(list) > 0 {
		return err
	}
	_, err = x.RegisterCursor(ctx, consumerName, c.seq)
	return err
}

// tell says how far it has come.
func (c *consumer) tell(ctx context.Context, x *utxo.Index) error {
	return x.AdvanceCursor(ctx, c.cursor())
}

// tip is the last block it was told of.
func (c *consumer) tip() coins.BlockID {
	if len(c.chain) == 0 {
		return coins.BlockID{Height: c.start - 1}
	}
	return c.chain[len(c.chain)-1]
}

func (c *consumer) take(change *utxo.Change) error {
	switch change.Kind {
	case utxo.BlockConnected:
		if change.Block.Height != c.tip().Height+1 {
			return fmt.Errorf("%w: block %s connected upon %s", ErrBroken, change.Block, c.tip())
		}
		c.chain = append(c.chain, change.Block)
	case utxo.BlockDisconnected:
		if change.Block != c.tip() {
			return fmt.Errorf("%w: block %s disconnected, the tip is %s", ErrBroken, change.Block, c.tip())
		}
		c.chain, c.gone = c.chain[:len(c.chain)-1], change.Block
	case utxo.CoinCreated, utxo.CoinRestored, utxo.CoinSpent, utxo.CoinRemoved:
		return c.book(change)
	case utxo.TxSeen:
		key := toldCoin{change.Coin.OutPoint, change.Coin.Block.Height}
		if _, told := c.coins[key]; change.Coin.Confirmed && !told {
			return fmt.Errorf("%w: %s is seen to spend coin %s, which the log does not tell of", ErrBroken, change.TxID, key.at)
		}
		if c.waits[change.TxID] == nil {
			c.waits[change.TxID] = map[coins.OutPoint]string{}
		}
		c.waits[change.TxID][change.Coin.OutPoint] = string(change.Coin.Script)
	case utxo.TxGone, utxo.TxConflicted:
		delete(c.waits, change.TxID)
		if change.Coin.OutPoint.TxID == change.TxID {
			c.void(change.Coin.OutPoint)
		}
	default:
		return fmt.Errorf("%w: change of kind %d", ErrBroken, change.Kind)
	}
	return nil
}

// book takes a change of the coins: each is booked once, reversed once, and in
// the block that the log stands at unless it is of the past.
func (c *consumer) book(change *utxo.Change) error {
	comes := change.Kind == utxo.CoinCreated || change.Kind == utxo.CoinRestored
	undone := change.Kind == utxo.CoinRemoved || change.Kind == utxo.CoinRestored
	key := toldCoin{change.Coin.OutPoint, change.Coin.Block.Height}
	_, there := c.coins[key]
	if there == comes {
		return fmt.Errorf("%w: coin %s, kind %d: it is there: %v", ErrBroken, key.at, change.Kind, there)
	}
	switch {
	case undone && (change.Block != c.gone || change.Historical):
		return fmt.Errorf("%w: coin %s, kind %d, undone with block %s; %s was disconnected", ErrBroken, key.at, change.Kind, change.Block, c.gone)
	case !undone && !change.Historical && change.Block != c.tip():
		return fmt.Errorf("%w: coin %s, kind %d, in block %s; the tip is %s", ErrBroken, key.at, change.Kind, change.Block, c.tip())
	case !undone && change.Historical && !c.has(change.Block):
		return fmt.Errorf("%w: coin %s, kind %d, of the past, in block %s, which is not on the chain", ErrBroken, key.at, change.Kind, change.Block)
	}
	if comes {
		c.coins[key] = string(change.Coin.Script)
	} else {
		delete(c.coins, key)
	}
	if !undone {
		delete(c.waits, change.TxID)
	} else if !comes {
		c.void(key.at)
	}
	return nil
}

// void drops a coin that is no more from what would spend it.
func (c *consumer) void(at coins.OutPoint) {
	for _, waits := range c.waits {
		delete(waits, at)
	}
}

// has reports whether a block is on the chain that it was told of, or below.
func (c *consumer) has(id coins.BlockID) bool {
	i := int(id.Height - c.start)
	return i < 0 || (i < len(c.chain) && c.chain[i] == id)
}

// forget drops a script that is not watched any more.
func (c *consumer) forget(script string) {
	for key, s := range c.coins {
		if s == script {
			delete(c.coins, key)
		}
	}
	for _, waits := range c.waits {
		for at, s := range waits {
			if s == script {
				delete(waits, at)
			}
		}
	}
}

// compare holds what it has been told to the model, for scripts that are
// complete, and where the mempool is known to it too.
func (c *consumer) compare(m *model, complete func(string) bool, pool []*tx, known bool) error {
	want := m.compute()
	switch {
	case m.tip == nil && len(c.chain) > 0:
		return fmt.Errorf("%w: the log stands at %s, the index at nothing", ErrBroken, c.tip())
	case m.tip != nil && c.tip() != m.tip.id:
		return fmt.Errorf("%w: the log stands at %s, the index at %s", ErrBroken, c.tip(), m.tip.id)
	}
	for at, coin := range want.coins {
		if _, told := c.coins[toldCoin{at, coin.block.id.Height}]; !told && complete(coin.script) {
			return fmt.Errorf("%w: the log does not tell of coin %s", ErrBroken, at)
		}
	}
	for key, script := range c.coins {
		coin, there := want.coins[key.at]
		if there = there && coin.block.id.Height == key.height; !there && complete(script) {
			return fmt.Errorf("%w: the log tells of coin %s, which is not there", ErrBroken, key.at)
		}
	}
	if !known {
		return nil
	}
	return c.compareWaiting(want, complete, pool)
}

// compareWaiting holds the unconfirmed transactions to the mempool.
func (c *consumer) compareWaiting(want *answer, complete func(string) bool, pool []*tx) error {
	made := map[coins.OutPoint]string{}
	waits := map[coins.TxID]bool{}
	for _, t := range pool {
		waits[t.id] = true
		for n, out := range t.outs {
			made[t.outPoint(n)] = out.script
			if complete(out.script) && c.waits[t.id][t.outPoint(n)] == "" {
				return fmt.Errorf("%w: the log does not tell of unconfirmed %s paying %x", ErrBroken, t.id, out.script)
			}
		}
	}
	for _, t := range pool {
		for _, in := range t.ins {
			script, found := made[in]
			if coin, confirmed := want.coins[in]; confirmed {
				script, found = coin.script, true
			}
			if found && complete(script) && c.waits[t.id][in] == "" {
				return fmt.Errorf("%w: the log does not tell of unconfirmed %s spending %s", ErrBroken, t.id, in)
			}
		}
	}
	for id, touched := range c.waits {
		for at, script := range touched {
			if !waits[id] && complete(script) {
				return fmt.Errorf("%w: the log says that %s waits, with coin %s", ErrBroken, id, at)
			}
		}
	}
	return nil
}
