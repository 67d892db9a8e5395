package utxo

import (
	"encoding/binary"
	"slices"
	"time"

	"coffer.example/coffer/coins"
)

// pool is the view of unconfirmed transactions, in memory. All of the node's
// are known by the outpoints they spend, so that a parent that arrives late or
// a script watched later finds them; those that touch watched scripts are also
// stored, and so are there at once after a restart.
type pool struct {
	txs map[coins.TxID]*poolTx
	// spenders are the transactions that spend an outpoint, watched or not, in
	// the order they came: the last one is taken to be valid.
	spenders map[coins.OutPoint][]*poolTx
	// touching are the transactions with a payment to or from a watched script,
	// byScript the same by script.
	touching map[coins.TxID]*poolTx
	byScript map[scriptID]map[*poolTx]struct{}
	// rawBytes is the memory of the transactions' bytes.
	rawBytes int
}

// poolTx is one unconfirmed transaction.
type poolTx struct {
	id   coins.TxID
	seen time.Time
	// raw is dropped beyond maxPoolBytes: then scripts watched later don't find
	// it before it is in a block.
	raw []byte
	ins []coins.OutPoint
	// outCount is the number of all its outputs.
	outCount uint32
	outs     []poolCoin // to watched scripts
	// stored says that it has a row.
	stored bool
	// spends are coins of watched scripts that inputs spend, by input.
	spends map[int]poolCoin
}

// poolCoin is a coin with the number of its script.
type poolCoin struct {
	Coin
	id scriptID
}

// maxPoolBytes bounds the memory for bytes of transactions that touch nothing
// watched.
const maxPoolBytes = 128 << 20

func newPool() *pool {
	return &pool{
		txs: map[coins.TxID]*poolTx{}, spenders: map[coins.OutPoint][]*poolTx{},
		touching: map[coins.TxID]*poolTx{}, byScript: map[scriptID]map[*poolTx]struct{}{},
	}
}

func (p *pool) empty() bool { return len(p.txs) == 0 }

func (tx *poolTx) touches() bool { return len(tx.outs)+len(tx.spends) > 0 }

// add makes a transaction known.
func (p *pool) add(tx *poolTx) {
	p.txs[tx.id] = tx
	for _, at := range tx.ins {
		p.spenders[at] = append(p.spenders[at], tx)
	}
	if !tx.touches() && p.rawBytes+len(tx.raw) > maxPoolBytes {
		tx.raw = nil
	}
	p.rawBytes += len(tx.raw)
	p.list(tx)
}

// replace puts another reading of the same transaction in its place.
func (p *pool) replace(old, tx *poolTx) {
	p.txs[tx.id] = tx
	for _, at := range tx.ins {
		for i, other := range p.spenders[at] {
			if other == old {
				p.spenders[at][i] = tx
			}
		}
	}
	for i := range old.outs {
		p.unlist(old, old.outs[i].id)
	}
	for _, c := range old.spends {
		p.unlist(old, c.id)
	}
	p.list(tx)
}

// list enters a transaction where the scripts it touches find it.
func (p *pool) list(tx *poolTx) {
	enter := func(id scriptID) {
		if p.byScript[id] == nil {
			p.byScript[id] = map[*poolTx]struct{}{}
		}
		p.byScript[id][tx] = struct{}{}
	}
	for i := range tx.outs {
		enter(tx.outs[i].id)
	}
	for _, c := range tx.spends {
		enter(c.id)
	}
	if tx.touches() {
		p.touching[tx.id] = tx
	} else {
		delete(p.touching, tx.id)
	}
}

// drop forgets a transaction.
func (p *pool) drop(tx *poolTx) {
	if p.txs[tx.id] != tx {
		return
	}
	delete(p.txs, tx.id)
	delete(p.touching, tx.id)
	p.rawBytes -= len(tx.raw)
	for _, at := range tx.ins {
		rest := slices.DeleteFunc(p.spenders[at], func(other *poolTx) bool { return other == tx })
		if len(rest) == 0 {
			delete(p.spenders, at)
		} else {
			p.spenders[at] = rest
		}
	}
	for i := range tx.outs {
		p.unlist(tx, tx.outs[i].id)
	}
	for _, c := range tx.spends {
		p.unlist(tx, c.id)
	}
	// What spends its outputs keeps those spends only where the same coins are
	// in a block: move has put them there before.
	for i := range tx.outs {
		p.unspend(tx.outs[i].OutPoint, coins.BlockID{})
	}
}

func (p *pool) unlist(tx *poolTx, id scriptID) {
	delete(p.byScript[id], tx)
	if len(p.byScript[id]) == 0 {
		delete(p.byScript, id)
	}
}

// relist enters a transaction anew after its spends have changed.
func (p *pool) relist(tx *poolTx, id scriptID) {
	p.unlist(tx, id)
	p.list(tx)
}

// spend tells the spenders of a coin what they spend. Of coins with the same
// outpoint the later is meant.
func (p *pool) spend(c Coin, id scriptID) {
	for _, tx := range p.spenders[c.OutPoint] {
		in := slices.Index(tx.ins, c.OutPoint)
		if old, found := tx.spends[in]; found && old.Confirmed && old.Block.Height > c.Block.Height {
			continue
		}
		tx.spends[in] = poolCoin{c, id}
		p.list(tx)
	}
}

// unspend takes a coin away from its spenders: the one of a block, or the
// unconfirmed one where block is zero.
func (p *pool) unspend(at coins.OutPoint, block coins.BlockID) {
	for _, tx := range p.spenders[at] {
		in := slices.Index(tx.ins, at)
		if c, found := tx.spends[in]; found && c.Block == block {
			delete(tx.spends, in)
			p.relist(tx, c.id)
		}
	}
}

// move follows confirmed coins that appeared and disappeared.
func (p *pool) move(moves []coinMove) {
	if p.empty() {
		return
	}
	for i := range moves {
		if m := &moves[i]; m.gone {
			p.unspend(m.coin.OutPoint, m.coin.Block)
		} else {
			p.spend(m.coin, m.script)
		}
	}
}

// shadowed says that another unconfirmed transaction, seen later, spends an
// input of tx or of one that tx builds upon: nodes show both for a moment when
// one replaces the other, and those built upon the replaced one with them.
func (p *pool) shadowed(tx *poolTx) bool {
	var seen map[*poolTx]bool
	for ahead := []*poolTx{tx}; len(ahead) > 0; {
		tx, ahead = ahead[len(ahead)-1], ahead[:len(ahead)-1]
		for _, at := range tx.ins {
			if list := p.spenders[at]; list[len(list)-1] != tx {
				return true
			}
			parent := p.txs[at.TxID]
			if parent == nil || seen[parent] {
				continue
			}
			if seen == nil {
				seen = map[*poolTx]bool{}
			}
			seen[parent], ahead = true, append(ahead, parent)
		}
	}
	return false
}

// spender returns the unconfirmed transaction that spends a coin.
func (p *pool) spender(at coins.OutPoint) coins.TxID {
	for _, tx := range slices.Backward(p.spenders[at]) {
		if !p.shadowed(tx) {
			return tx.id
		}
	}
	return coins.TxID{}
}

// each calls what is valid and touches a script, or any script for 0.
func (p *pool) each(id scriptID, call func(*poolTx)) {
	if id != 0 {
		for tx := range p.byScript[id] {
			if !p.shadowed(tx) {
				call(tx)
			}
		}
		return
	}
	for _, tx := range p.touching {
		if !p.shadowed(tx) {
			call(tx)
		}
	}
}

// sumPool adds the unconfirmed classes of a script's balance, or of all for 0:
// what is reserved and being spent counts as outgoing alone.
func (x *Index) sumPool(b *Balance, id scriptID) {
	p, now := x.pool, x.opts.Clock()
	p.each(id, func(tx *poolTx) {
		for i := range tx.outs {
			c := &tx.outs[i]
			if id != 0 && c.id != id {
				continue
			}
			b.Incoming = b.Incoming.Add(c.Value)
			if x.leases.claim(c.OutPoint, now) != nil && p.spender(c.OutPoint) == (coins.TxID{}) {
				b.Reserved = b.Reserved.Add(c.Value)
			}
		}
		for _, c := range tx.spends {
			if id != 0 && c.id != id {
				continue
			}
			b.Outgoing = b.Outgoing.Add(c.Value)
			if c.Confirmed && x.leases.claim(c.OutPoint, now) != nil {
				b.Reserved = b.Reserved.Sub(c.Value)
			}
		}
	})
}

// coins returns the unconfirmed coins of a script, or of all for 0.
func (p *pool) coins(id scriptID) (list []poolItem[Coin]) {
	p.each(id, func(tx *poolTx) {
		for i := range tx.outs {
			c := tx.outs[i]
			if id == 0 || c.id == id {
				c.SpentBy = p.spender(c.OutPoint)
				list = append(list, poolItem[Coin]{c.OutPoint.AppendWire(nil), c.Coin})
			}
		}
	})
	return list
}

// events returns the unconfirmed history of a script, or of all for 0.
func (p *pool) events(id scriptID) (list []poolItem[Event]) {
	p.each(id, func(tx *poolTx) {
		add := func(kind EventKind, n uint32, c *Coin) {
			e := Event{Kind: kind, Time: tx.seen, TxID: tx.id, N: n, OutPoint: c.OutPoint, Value: c.Value, Script: c.Script, Unconfirmed: true}
			key := binary.BigEndian.AppendUint64(nil, ^uint64(tx.seen.UnixNano()))
			key = append(append(key, tx.id[:]...), byte(kind))
			list = append(list, poolItem[Event]{binary.BigEndian.AppendUint32(key, n), e})
		}
		for i := range tx.outs {
			if c := &tx.outs[i]; id == 0 || c.id == id {
				add(Funded, c.OutPoint.Vout, &c.Coin)
			}
		}
		for in, c := range tx.spends {
			if id == 0 || c.id == id {
				add(Spent, uint32(in), &c.Coin)
			}
		}
	})
	return list
}
