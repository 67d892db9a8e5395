package simnode

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"coffer.example/coffer/coins"
)

// The RPC error codes that transactions are refused with (Core's protocol.h).
const (
	codeTxError  = -25
	codeRejected = -26
	codeInChain  = -27
	codeDecode   = -22
)

// poolTx is one unconfirmed transaction.
type poolTx struct {
	tx     *Tx
	id     coins.TxID
	raw    []byte
	fee    coins.Amount
	time   time.Time
	height coins.Height // of the tip when it came
}

func (p *poolTx) mwebOnly() bool { return len(p.tx.Ins) == 0 && len(p.tx.Outs) == 0 }

// mempool holds what is not in a block yet, parents before children.
type mempool struct {
	byID     map[coins.TxID]*poolTx
	order    []*poolTx
	view     *view
	sequence uint64
}

func (m *mempool) reset() {
	m.byID, m.order, m.view = make(map[coins.TxID]*poolTx), nil, nil
	m.sequence = max(m.sequence, 1)
}

func (c *Chain) poolView() *view {
	if c.pool.view == nil {
		c.pool.view = c.newView(c.tip().id.Height + 1)
	}
	c.pool.view.height = c.tip().id.Height + 1
	return c.pool.view
}

// NewTx builds a transaction upon the best chain and the mempool, without
// sending it.
func (c *Chain) NewTx(spec TxSpec) (*Tx, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.newTx(spec)
}

func (c *Chain) newTx(spec TxSpec) (*Tx, error) {
	c.made.items++
	return c.poolView().build(spec, c.rng(c.tip().id.Hash, c.made.items))
}

// Send builds the transaction of a spec and puts it into the mempool.
func (c *Chain) Send(spec TxSpec) (*Tx, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	tx, err := c.newTx(spec)
	if err != nil {
		return nil, err
	}
	return tx, c.accept(tx)
}

// Broadcast puts a transaction into the mempool as sendrawtransaction does.
// Sending what is there already is no error. It fails with a [*Reject] that
// has the node's code and reason. Scripts are not run.
func (c *Chain) Broadcast(tx *Tx) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.accept(tx)
}

// accept adds a transaction, replacing those that it conflicts with where the
// coin's policy allows it.
func (c *Chain) accept(tx *Tx) error {
	id := tx.ID()
	if _, known := c.pool.byID[id]; known {
		return nil
	}
	if err := c.alreadyMined(tx, id); err != nil {
		return err
	}
	rivals := c.conflicts(tx)
	if len(rivals) == 0 {
		return c.enter(tx, id)
	}
	if err := c.mayReplace(tx, id, rivals); err != nil {
		return err
	}
	kept := make([]*poolTx, 0, len(rivals))
	for _, rival := range rivals {
		kept = append(kept, c.withDescendants(rival)...)
	}
	c.drop(kept)
	if err := c.enter(tx, id); err != nil {
		for _, rival := range kept { // as it was
			_ = c.enter(rival.tx, rival.id)
		}
		return err
	}
	return nil
}

// alreadyMined tells a transaction that is in the chain from one that lacks
// its inputs, as far as a node can: by an output that is still unspent.
func (c *Chain) alreadyMined(tx *Tx, id coins.TxID) error {
	for n := range tx.Outs {
		if _, unspent := c.coins.unspent[coins.OutPoint{TxID: id, Vout: uint32(n)}]; unspent {
			return rejectTx(codeInChain, "%s", c.words().inChain)
		}
	}
	return nil
}

// conflicts returns the mempool's transactions that spend an input of tx.
func (c *Chain) conflicts(tx *Tx) (rivals []*poolTx) {
	for i := range tx.Ins {
		rival, ok := c.pool.byID[c.poolView().spent[tx.Ins[i].Prev]]
		if ok && !slices.Contains(rivals, rival) {
			rivals = append(rivals, rival)
		}
	}
	return rivals
}

// mayReplace applies the coin's stance on replacement and the rule that the
// replacement pays more, by the relay rate for its size (BIP 125, rules 3 and 4).
func (c *Chain) mayReplace(tx *Tx, id coins.TxID, rivals []*poolTx) error {
	var fees, offer coins.Amount
	for _, rival := range rivals {
		if !c.replaceable(rival) {
			return rejectTx(codeRejected, "%s", c.words().conflict)
		}
		fees += rival.fee
	}
	for i := range tx.Ins {
		offer += c.valueOf(tx.Ins[i].Prev)
	}
	for _, out := range tx.Outs {
		offer -= out.Value
	}
	step, err := coins.PerKVByte(dialectOf(c.params.Format).increment).Fee(tx.VSize())
	if err != nil || offer < fees+step {
		return rejectTx(codeRejected, c.words().lowFee, id)
	}
	return nil
}

func (c *Chain) replaceable(rival *poolTx) bool {
	switch c.params.Policy.Replaceable {
	case coins.ReplaceAlways:
		return true
	case coins.ReplaceOptIn:
		return signals(rival.tx)
	}
	return false
}

// valueOf returns the value of an output in the coin set or the mempool,
// whether it is spent in the mempool or not.
func (c *Chain) valueOf(op coins.OutPoint) coins.Amount {
	if coin, ok := c.poolView().made[op]; ok {
		return coin.Value
	}
	return c.coins.unspent[op].Value
}

// enter adds a transaction without rivals.
func (c *Chain) enter(tx *Tx, id coins.TxID) error {
	fee, err := c.poolView().apply(tx)
	if err != nil {
		if reject, ok := err.(*Reject); ok && reject.Code == codeTxError {
			return rejectTx(codeTxError, "%s", c.words().missing)
		}
		return err
	}
	entry := &poolTx{tx: tx, id: id, raw: tx.Raw(), fee: fee, time: c.now(c.tip()), height: c.tip().id.Height}
	c.pool.byID[id] = entry
	c.pool.order = append(c.pool.order, entry)
	c.feed.send(event{kind: txAdded, tx: entry, sequence: c.pool.sequence})
	c.pool.sequence++
	return nil
}

// withDescendants returns an entry and all that spend from it, parents first.
func (c *Chain) withDescendants(root *poolTx) []*poolTx {
	family := map[coins.TxID]bool{root.id: true}
	found := []*poolTx{root}
	for _, entry := range c.pool.order {
		spends := func(in In) bool { return family[in.Prev.TxID] }
		if !family[entry.id] && slices.ContainsFunc(entry.tx.Ins, spends) {
			family[entry.id] = true
			found = append(found, entry)
		}
	}
	return found
}

// drop removes entries, children before parents, and tells of it.
func (c *Chain) drop(entries []*poolTx) {
	for _, entry := range slices.Backward(entries) {
		if _, there := c.pool.byID[entry.id]; !there {
			continue
		}
		c.pool.forget(entry)
		c.feed.send(event{kind: txGone, tx: entry, sequence: c.pool.sequence})
		c.pool.sequence++
	}
}

func (m *mempool) forget(entry *poolTx) {
	delete(m.byID, entry.id)
	m.order = slices.DeleteFunc(m.order, func(other *poolTx) bool { return other == entry })
	if m.view != nil {
		m.view.remove(entry.tx, entry.id)
	}
}

// refillPool brings the mempool to a new tip: what left the chain comes back
// where it still can (coinbases and HogExes cannot), what was mined leaves, and
// so does what conflicts with it.
func (c *Chain) refillPool(gone, fresh []*block) {
	old := c.pool.order
	sequence := c.pool.sequence
	before := c.pool.byID
	c.pool.reset()
	c.pool.sequence = sequence
	mined := make(map[coins.TxID]bool)
	hogged := false
	for _, b := range fresh {
		hogged = hogged || b.hog != b.parent.hog
		for _, id := range b.txs {
			mined[id] = true
		}
	}
	for _, b := range slices.Backward(gone) {
		c.takeBack(b, mined)
	}
	for _, entry := range old {
		_, err := c.poolView().check(entry.tx)
		if mined[entry.id] || c.pool.byID[entry.id] != nil || err != nil || (hogged && entry.mwebOnly()) {
			continue
		}
		_, _ = c.poolView().apply(entry.tx) // it has just been checked
		c.pool.byID[entry.id] = entry
		c.pool.order = append(c.pool.order, entry)
	}
	for _, entry := range old {
		if before[entry.id] != nil && c.pool.byID[entry.id] == nil && !mined[entry.id] && !entry.mwebOnly() {
			c.feed.send(event{kind: txGone, tx: entry, sequence: c.pool.sequence})
			c.pool.sequence++
		}
	}
}

// takeBack puts the transactions of a block that left the chain into the
// mempool.
func (c *Chain) takeBack(b *block, mined map[coins.TxID]bool) {
	layout, err := c.layout(b)
	if err != nil {
		return // it was walked when it connected
	}
	last := layout.TxCount()
	if layout.HogEx {
		last--
	}
	for i := 1; i < last; i++ {
		if !mined[b.txs[i]] {
			_ = c.enter(txAt(b.raw, layout, i), b.txs[i]) // what cannot come back does not
		}
	}
}

// Evict removes a transaction and what spends from it from the mempool, without
// a block. It fails with [ErrUnknown].
func (c *Chain) Evict(id coins.TxID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.pool.byID[id]
	if !ok {
		return fmt.Errorf("transaction %s: %w", id, ErrUnknown)
	}
	c.drop(c.withDescendants(entry))
	return nil
}

// Expire removes from the mempool what came before a time, as a node does
// after the coin's expiry, and what spends from it.
func (c *Chain) Expire(before time.Time) (count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, entry := range slices.Clone(c.pool.order) {
		if entry.time.Before(before) && c.pool.byID[entry.id] != nil {
			family := c.withDescendants(entry)
			count += len(family)
			c.drop(family)
		}
	}
	return count
}

// ClearMempool empties the mempool without a word, as a restart without
// mempool.dat does.
func (c *Chain) ClearMempool() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pool.reset()
}

// Replace puts a transaction with the same inputs and a higher fee in the place
// of one in the mempool, whether the coin's policy allows it or not. It pays
// outputs, or where none are given, only the chain itself.
func (c *Chain) Replace(id coins.TxID, outputs ...Out) (*Tx, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, ok := c.pool.byID[id]
	if !ok {
		return nil, fmt.Errorf("transaction %s: %w", id, ErrUnknown)
	}
	c.drop(c.withDescendants(old))
	spec := TxSpec{Outputs: outputs, Fee: 2*old.fee + 1000}
	for i := range old.tx.Ins {
		spec.Inputs = append(spec.Inputs, old.tx.Ins[i].Prev)
	}
	tx, err := c.newTx(spec)
	if err != nil {
		return nil, err
	}
	return tx, c.enter(tx, tx.ID())
}

// SendMWEB puts a transaction into the mempool that exists in the MWEB alone:
// no transparent inputs or outputs, known by an id that is not its bytes' hash,
// and gone with the next block (Litecoin).
func (c *Chain) SendMWEB() (coins.TxID, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.params.Format.MWEB {
		return coins.TxID{}, fmt.Errorf("%s: %w", c.params.Symbol, ErrNoMWEB)
	}
	c.made.items++
	rng := c.rng(c.tip().id.Hash, c.made.items)
	tx := &Tx{Version: 2, MWEB: mwebTx(hogEx{pegOuts: []Out{{Value: 1, Script: RandomScript(rng, P2WPKH)}}}, rng)}
	return tx.ID(), c.enter(tx, tx.ID())
}

// SendPegIn puts a transaction into the mempool that pegs an amount in, with
// its MWEB data. It can be mined from the MWEB's first height on.
func (c *Chain) SendPegIn(amount coins.Amount) (*Tx, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.params.Format.MWEB {
		return nil, fmt.Errorf("%s: %w", c.params.Symbol, ErrNoMWEB)
	}
	c.made.items++
	rng := rand.New(rand.NewPCG(c.config.Seed, c.made.items))
	tx, err := c.newTx(TxSpec{
		Outputs: []Out{{Value: amount, Script: pegInScript(rng)}},
		MWEB:    mwebTx(hogEx{pegIns: []Coin{{Value: amount}}}, rng),
	})
	if err != nil {
		return nil, err
	}
	return tx, c.enter(tx, tx.ID())
}

// Mempool returns the ids of the unconfirmed transactions, parents first.
func (c *Chain) Mempool() []coins.TxID {
	c.mu.RLock()
	defer c.mu.RUnlock()
	ids := make([]coins.TxID, len(c.pool.order))
	for i, entry := range c.pool.order {
		ids[i] = entry.id
	}
	return ids
}

// words are a dialect's reasons for refusing transactions.
type words struct{ inChain, missing, conflict, lowFee string }

func (c *Chain) words() words {
	w := words{
		inChain:  "Transaction outputs already in utxo set",
		missing:  "bad-txns-inputs-missingorspent",
		conflict: "txn-mempool-conflict",
		lowFee:   "insufficient fee, rejecting replacement %s",
	}
	switch {
	case c.params.Format.AuxPoW:
		w.inChain, w.missing = "transaction already in block chain", "Missing inputs"
		w.conflict, w.lowFee = "258: txn-mempool-conflict", "66: insufficient fee"
	case c.params.Format.MWEB:
		w.inChain = "Transaction already in block chain"
	}
	return w
}
