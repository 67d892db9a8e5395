package simnode

import (
	"encoding/binary"
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
)

// regtestDifficulty is what nodes print for bits 207fffff.
const regtestDifficulty = literal("4.656542373906925e-10")

// regtestTarget is those bits expanded.
const regtestTarget = "7fffff0000000000000000000000000000000000000000000000000000000000"

// showScript describes an output's script.
func (n *Node) showScript(script []byte) object {
	coin := n.chain.config.Coin
	address, has := coin.Address(script)
	kind := coin.Type(script)
	if n.dialect.kind == core29 {
		has = has && kind != coins.PubKey
		return object{{"asm", asm(script)}, {"desc", describe(coin, script)}, {"hex", hexBytes(script)}}.
			when(has, "address", address).with("type", string(kind))
	}
	return object{{"asm", asm(script)}, {"hex", hexBytes(script)}}.
		when(has, "reqSigs", 1).with("type", string(kind)).when(has, "addresses", list{address})
}

// showTx describes a transaction as decoderawtransaction does.
func (n *Node) showTx(tx *Tx) object {
	size := len(tx.append(nil, withWitness))
	o := object{{"txid", tx.ID()}, {"hash", tx.WitnessID()}}
	if n.dialect.kind == dogecoin14 {
		o = o.with("size", size).with("vsize", int64(tx.VSize())).with("version", tx.Version)
	} else {
		o = o.with("version", tx.Version).with("size", size).with("vsize", int64(tx.VSize())).with("weight", int64(tx.weight()))
	}
	ins, outs := make(list, len(tx.Ins)), make(list, len(tx.Outs))
	for i := range tx.Ins {
		ins[i] = n.showIn(&tx.Ins[i])
	}
	for i, out := range tx.Outs {
		outs[i] = object(nil).when(n.dialect.kind == litecoin21, "ismweb", false).
			with("value", out.Value).with("n", i).with("scriptPubKey", n.showScript(out.Script))
	}
	return o.with("locktime", tx.LockTime).with("vin", ins).with("vout", outs)
}

func (n *Node) showIn(in *In) object {
	var o object
	o = o.when(n.dialect.kind == litecoin21, "ismweb", false)
	if in.Prev.IsCoinbase() {
		o = o.with("coinbase", hexBytes(in.Script))
	} else {
		o = o.with("txid", in.Prev.TxID).with("vout", in.Prev.Vout).
			with("scriptSig", object{{"asm", asmIn(in.Script)}, {"hex", hexBytes(in.Script)}})
	}
	if len(in.Witness) > 0 {
		items := make(list, len(in.Witness))
		for i, item := range in.Witness {
			items[i] = hexBytes(item)
		}
		o = o.with("txinwitness", items)
	}
	return o.with("sequence", in.Sequence)
}

// medianTime returns the median time of a block and the ten before it.
func (b *block) medianTime() uint32 {
	var times []uint32
	for ; b != nil && len(times) < 11; b = b.parent {
		times = append(times, b.header.Time())
	}
	slices.Sort(times)
	return times[len(times)/2]
}

// confirmations returns a block's depth, −1 off the best chain.
func (c *Chain) confirmations(b *block) int {
	if !c.isActive(b) {
		return -1
	}
	return len(c.active) - int(b.id.Height)
}

func chainwork(b *block) string { return fmt.Sprintf("%064x", b.work()) }

// showHeader describes a block's header, without the sizes and transactions
// that getblock puts where a dialect wants them.
func (n *Node) showHeader(b *block) object {
	o := object{{"hash", b.id.Hash}, {"confirmations", n.chain.confirmations(b)}}
	return n.showRest(o.with("height", b.id.Height), b, nil)
}

// showRest appends what follows the height: in the middle of it the
// transactions, where a dialect's getblock has them there.
func (n *Node) showRest(o object, b *block, txs object) object {
	root := b.header.MerkleRoot()
	o = o.with("version", b.header.Version()).with("versionHex", fmt.Sprintf("%08x", uint32(b.header.Version()))).
		with("merkleroot", coins.TxID(root))
	core := n.dialect.kind == core29
	if !core {
		o = append(o, txs...)
	}
	o = o.with("time", b.header.Time()).with("mediantime", b.medianTime()).
		with("nonce", uint32(b.header[76])|uint32(b.header[77])<<8|uint32(b.header[78])<<16|uint32(b.header[79])<<24).
		with("bits", fmt.Sprintf("%08x", b.header.Bits())).when(core, "target", regtestTarget).
		with("difficulty", regtestDifficulty).with("chainwork", chainwork(b)).
		when(n.dialect.kind != dogecoin14, "nTx", len(b.txs))
	if n.dialect.kind == dogecoin14 && txs != nil && b.header.HasProof() {
		o = o.with("auxpow", n.showProof(b))
	}
	if b.parent != nil {
		o = o.with("previousblockhash", b.parent.id.Hash)
	}
	if next := int(b.id.Height) + 1; n.chain.isActive(b) && next < len(n.chain.active) {
		o = o.with("nextblockhash", n.chain.active[next].id.Hash)
	}
	if core {
		o = append(o, txs...)
	}
	return o
}

// showBlock describes a block as getblock does at a level of 1 or more.
func (n *Node) showBlock(b *block, level int64) object {
	layout := n.chain.walked(b)
	stripped := len(appendWithoutMWEB(nil, b, layout, 0))
	full := len(appendWithoutMWEB(nil, b, layout, withWitness))
	sizes := object{{"strippedsize", stripped}, {"size", full}, {"weight", 3*stripped + full}}
	txs := make(list, len(b.txs))
	for i, id := range b.txs {
		txs[i] = id
		if level >= 2 {
			tx := txAt(b.raw, layout, i)
			txs[i] = n.showTx(tx).when(n.dialect.kind != dogecoin14, "hex", hexBytes(tx.Raw()))
		}
	}
	o := object{{"hash", b.id.Hash}, {"confirmations", n.chain.confirmations(b)}}
	if n.dialect.kind == core29 {
		return n.showRest(o.with("height", b.id.Height), b, append(sizes, member{"tx", txs}))
	}
	o = append(o, sizes...)
	return n.showRest(o.with("height", b.id.Height), b, object{{"tx", txs}})
}

// showProof describes a merge-mining proof.
func (n *Node) showProof(b *block) object {
	proof, err := coins.ParseProof(b.raw[coins.HeaderSize:])
	if err != nil {
		return nil // it was read when the block was loaded
	}
	tx := append(object{{"hex", hexBytes(proof.Coinbase)}}, n.showTx(proofTx(proof.Coinbase))...)
	parentHash := proof.Parent.Hash()
	return object{
		{"tx", tx.with("blockhash", parentHash)},
		{"index", proof.Index},
		{"chainindex", proof.ChainIndex},
		{"merklebranch", branchList(proof.Branch)},
		{"chainmerklebranch", branchList(proof.ChainBranch)},
		{"parentblock", hexBytes(proof.Parent[:])},
	}
}

// proofTx reads the coinbase of a proof that has been parsed. Unlike any other
// transaction it may be without outputs.
func proofTx(raw []byte) *Tx {
	if f := (coins.Format{Segwit: true, MaxBlock: len(raw)}); raw[4] == 0 {
		tx, err := ParseTx(f, raw)
		assertNone(err, "a proof's coinbase does not parse")
		return tx
	}
	tx := &Tx{Version: int32(binary.LittleEndian.Uint32(raw))}
	count, rest := readSize(raw[4:])
	for range count {
		in := In{Prev: coins.OutPointFromWire(rest)}
		in.Script, rest = readBytes(rest[coins.OutPointSize:])
		in.Sequence, rest = binary.LittleEndian.Uint32(rest), rest[4:]
		tx.Ins = append(tx.Ins, in)
	}
	count, rest = readSize(rest)
	for range count {
		out := Out{Value: coins.Amount(binary.LittleEndian.Uint64(rest))}
		out.Script, rest = readBytes(rest[8:])
		tx.Outs = append(tx.Outs, out)
	}
	tx.LockTime = binary.LittleEndian.Uint32(rest)
	return tx
}

func branchList(branch []byte) list {
	hashes := list{}
	for ; len(branch) > 0; branch = branch[coins.HashSize:] {
		hashes = append(hashes, coins.TxID(branch[:coins.HashSize]))
	}
	return hashes
}

// walked returns a block's layout for the caller alone.
func (c *Chain) walked(b *block) *coins.Layout {
	layout := new(coins.Layout)
	assertNone(c.params.Format.Walk(b.raw, layout), "a block in the tree does not walk")
	return layout
}
