package utxo

import (
	"fmt"

	"coffer.example/coffer/coins"
)

// Prepare hashes every output's script and every input's outpoint. It depends
// on nothing that changes: what is watched is looked up in Connect.
func (x *Index) Prepare(b *coins.Block) {
	b.ScriptMarks = b.ScriptMarks[:0]
	for _, out := range b.Layout.Outs {
		b.ScriptMarks = append(b.ScriptMarks, x.marker.script(b.Raw[out.Script:out.Script+out.Len]))
	}
	b.OutPointMarks = b.OutPointMarks[:0]
	for _, in := range b.Layout.Ins {
		b.OutPointMarks = append(b.OutPointMarks, x.marker.wire(b.Raw[in:in+coins.OutPointSize]))
	}
}

func (x *Index) scriptMark(script []byte) uint64 { return x.marker.script(script) }

func (x *Index) outPointMark(at coins.OutPoint) uint64 { return x.marker.outPoint(at) }

// found is an output of a block that pays a watched script.
type found struct {
	out    int
	script scriptID
}

// payments returns the outputs that pay watched scripts and that accept takes.
func (x *Index) payments(s *step, b *coins.Block, accept func(scriptID, *watchRow) (bool, error)) ([]found, error) {
	if b.ID.Height == 0 {
		return nil, nil // nothing of the genesis block can be spent
	}
	var list []found
	for n, mark := range b.ScriptMarks {
		if !x.scripts.mayHold(mark) {
			continue
		}
		for at := x.scripts.find(mark); at >= 0; at = x.scripts.findNext(mark, at) {
			id := scriptID(x.scripts.value(at))
			w, err := s.needWatch(id)
			if err != nil {
				return nil, err
			}
			if !w.is(b.Layout.Script(b.Raw, n)) {
				continue
			}
			ok, err := accept(id, w)
			if err != nil {
				return nil, err
			}
			if ok {
				list = append(list, found{n, id})
			}
		}
	}
	return list, nil
}

// spenders returns the inputs that may spend coins of the index, or one of the
// payments of the same block.
func (x *Index) spenders(b *coins.Block, payments []found) []int {
	fresh := x.w.fresh
	for _, p := range payments {
		fresh.add(x.outPointMark(outPointOf(b, p.out)), 0)
	}
	var list []int
	for n, mark := range b.OutPointMarks {
		if x.w.outpoints.holds(mark) || (len(payments) > 0 && fresh.holds(mark)) {
			list = append(list, n)
		}
	}
	fresh.empty()
	return list
}

func outPointOf(b *coins.Block, out int) coins.OutPoint {
	tx := b.Layout.TxOfOut(out)
	return coins.OutPoint{TxID: b.TxID(tx), Vout: uint32(out) - b.Layout.Txs[tx].FirstOut}
}

// fund returns the fact that a payment is.
func (s *step) fund(b *coins.Block, p found) (fact, error) {
	tx := uint32(b.Layout.TxOfOut(p.out))
	n := uint32(p.out) - b.Layout.Txs[tx].FirstOut
	value := b.Layout.Value(b.Raw, p.out)
	if value < 0 {
		return fact{}, fmt.Errorf("output %d of transaction %d: value %d: %w", n, tx, value, coins.ErrMalformed)
	}
	f := fact{kind: Funded, tx: tx, n: n, coin: coinRef{numberOf(b.ID.Height, tx), n}}
	f.script, f.value = p.script, value
	if b.Layout.Coinbase(p.out) {
		f.flags |= flagCoinbase
	}
	if b.Layout.PegOut(p.out) {
		f.flags |= flagPegOut
	}
	return f, nil
}

// chainOrder calls spend for inputs and pay for outputs as the chain has them:
// by transaction, inputs first. Both lists ascend.
func chainOrder(b *coins.Block, ins []int, outs []found, spend func(int) error, pay func(found) error) error {
	for len(ins) > 0 || len(outs) > 0 {
		if len(outs) == 0 || (len(ins) > 0 && b.Layout.TxOfIn(ins[0]) <= b.Layout.TxOfOut(outs[0].out)) {
			if err := spend(ins[0]); err != nil {
				return err
			}
			ins = ins[1:]
			continue
		}
		if err := pay(outs[0]); err != nil {
			return err
		}
		outs = outs[1:]
	}
	return nil
}
