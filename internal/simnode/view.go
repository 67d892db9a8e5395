package simnode

import (
	"bytes"
	"math/rand/v2"

	"coffer.example/coffer/coins"
)

// view is the coin set with unconfirmed transactions on top: those of the
// mempool, or those of a block that is being made.
type view struct {
	chain  *Chain
	height coins.Height // that the transactions may be mined at
	made   map[coins.OutPoint]Coin
	spent  map[coins.OutPoint]coins.TxID
	own    []coins.OutPoint // made and paying to the chain itself, in order
}

func (c *Chain) newView(height coins.Height) *view {
	return &view{
		chain: c, height: height,
		made: make(map[coins.OutPoint]Coin), spent: make(map[coins.OutPoint]coins.TxID),
	}
}

// coin returns an output that is unspent in the view.
func (v *view) coin(op coins.OutPoint) (Coin, bool) {
	if _, gone := v.spent[op]; gone {
		return Coin{}, false
	}
	if coin, ok := v.made[op]; ok {
		return coin, true
	}
	coin, ok := v.chain.coins.unspent[op]
	return coin, ok
}

// apply adds a transaction and returns its fee. Where it cannot be applied the
// view is as before.
func (v *view) apply(tx *Tx) (fee coins.Amount, err error) {
	if fee, err = v.check(tx); err != nil {
		return 0, err
	}
	id := tx.ID()
	for i := range tx.Ins {
		v.spent[tx.Ins[i].Prev] = id
	}
	for n, out := range tx.Outs {
		if coins.Unspendable(out.Script) {
			continue
		}
		op := coins.OutPoint{TxID: id, Vout: uint32(n)}
		v.made[op] = Coin{OutPoint: op, Value: out.Value, Script: out.Script, Height: v.height}
		if bytes.Equal(out.Script, v.chain.own) {
			v.own = append(v.own, op)
		}
	}
	return fee, nil
}

// check returns the fee of a transaction, or why it cannot be applied.
func (v *view) check(tx *Tx) (fee coins.Amount, err error) {
	seen := make(map[coins.OutPoint]bool, len(tx.Ins))
	for i := range tx.Ins {
		coin, ok := v.coin(tx.Ins[i].Prev)
		switch {
		case seen[tx.Ins[i].Prev]:
			return 0, rejectTx(codeRejected, "bad-txns-inputs-duplicate")
		case !ok:
			return 0, rejectTx(codeTxError, "bad-txns-inputs-missingorspent")
		case !v.chain.mature(coin, v.height):
			return 0, rejectTx(codeRejected, "bad-txns-premature-spend-of-coinbase")
		}
		seen[coin.OutPoint] = true
		fee += coin.Value
	}
	in := fee
	for _, out := range tx.Outs {
		fee -= out.Value
	}
	if fee < 0 {
		return 0, rejectTx(codeRejected, "bad-txns-in-belowout, value in (%s) < value out (%s)", short(in), short(in-fee))
	}
	return fee, nil
}

// short writes an amount as nodes do in messages: without zeros at the end, but
// two places at least.
func short(a coins.Amount) string {
	text := a.String()
	for len(text) > 3 && text[len(text)-1] == '0' && text[len(text)-3] != '.' {
		text = text[:len(text)-1]
	}
	return text
}

// remove takes a transaction out again whose outputs nothing in the view spends.
func (v *view) remove(tx *Tx, id coins.TxID) {
	for i := range tx.Ins {
		if v.spent[tx.Ins[i].Prev] == id {
			delete(v.spent, tx.Ins[i].Prev)
		}
	}
	for n := range tx.Outs {
		delete(v.made, coins.OutPoint{TxID: id, Vout: uint32(n)})
	}
}

// pick returns the chain's own coins that can be spent in the view, oldest
// first, until want is reached, leaving out those taken already.
func (v *view) pick(want coins.Amount, taken map[coins.OutPoint]bool) (picked []Coin, err error) {
	v.chain.coins.weed()
	for _, source := range [][]coins.OutPoint{v.chain.coins.queue, v.own} {
		for _, op := range source {
			if want <= 0 {
				return picked, nil
			}
			coin, ok := v.coin(op)
			if !ok || taken[op] || !v.chain.mature(coin, v.height) {
				continue
			}
			taken[op] = true
			picked = append(picked, coin)
			want -= coin.Value
		}
	}
	if want > 0 {
		return nil, ErrFunds
	}
	return picked, nil
}

// TxSpec describes a transaction to build. What its inputs do not cover comes
// from the chain's own coins, and what is left over goes back to them.
type TxSpec struct {
	// Inputs are spent whatever their scripts; only the chain's own scripts get
	// witnesses that a real node would accept.
	Inputs  []coins.OutPoint
	Outputs []Out
	// Fee is what the transaction leaves to the miner; 0 stands for the wallet's
	// recommended rate.
	Fee coins.Amount
	// Sequence is that of every input; 0 stands for fffffffd, which signals
	// replacement (BIP 125).
	Sequence uint32
	LockTime uint32
	// MWEB is extension data to carry in the mempool (Litecoin).
	MWEB []byte
}

// build makes the transaction of a spec against a view, which stays as it is.
func (v *view) build(spec TxSpec, rng *rand.Rand) (*Tx, error) {
	b := builder{view: v, spec: spec, rng: rng, taken: make(map[coins.OutPoint]bool)}
	b.tx = &Tx{Version: v.chain.rules.txData, LockTime: spec.LockTime, MWEB: spec.MWEB}
	b.tx.Outs = append(b.tx.Outs, spec.Outputs...)
	for _, op := range spec.Inputs {
		coin, ok := v.coin(op)
		if !ok {
			return nil, rejectTx(codeTxError, "bad-txns-inputs-missingorspent")
		}
		b.taken[op] = true
		b.spend(coin)
	}
	if err := b.balance(); err != nil {
		return nil, err
	}
	return b.tx, nil
}

// builder makes one transaction.
type builder struct {
	view  *view
	spec  TxSpec
	rng   *rand.Rand
	tx    *Tx
	in    coins.Amount
	taken map[coins.OutPoint]bool
}

func (b *builder) spend(coin Coin) {
	in := In{Prev: coin.OutPoint, Sequence: b.spec.Sequence}
	if in.Sequence == 0 {
		in.Sequence = finalSequence - 2
	}
	if bytes.Equal(coin.Script, b.view.chain.own) {
		unlockOwn(b.view.chain.params.Format, &in)
	} else {
		unlock(coin.Script, &in, b.rng)
	}
	b.tx.Ins = append(b.tx.Ins, in)
	b.in += coin.Value
}

// balance adds inputs until outputs and fee are met, and the change.
func (b *builder) balance() error {
	var out coins.Amount
	for _, o := range b.spec.Outputs {
		out += o.Value
	}
	for {
		need := out + b.fee() - b.in
		if need <= 0 && len(b.tx.Ins) > 0 {
			break
		}
		picked, err := b.view.pick(max(need, 1), b.taken)
		if err != nil {
			return err
		}
		for _, coin := range picked {
			b.spend(coin)
		}
	}
	change := b.in - out - b.fee()
	if keep := max(b.view.chain.params.Policy.SoftDust, 1000); change > keep || len(b.tx.Outs) == 0 {
		b.tx.Outs = append(b.tx.Outs, Out{Value: change, Script: b.view.chain.own})
	}
	return nil
}

// fee returns what the transaction should leave, with room for a change output.
func (b *builder) fee() coins.Amount {
	if b.spec.Fee > 0 {
		return b.spec.Fee
	}
	rate := max(b.view.chain.params.Policy.WalletFloor, 1000)
	fee, err := rate.Fee(b.tx.VSize() + 43)
	if err != nil {
		return 0
	}
	return fee
}
