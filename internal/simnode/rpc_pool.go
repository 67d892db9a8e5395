package simnode

import (
	"slices"

	"coffer.example/coffer/coins"
)

func poolMethods() map[string]method {
	return map[string]method{
		"getrawmempool":        {[]string{"?verbose", "?mempool_sequence"}, (*Node).getRawMempool},
		"getmempoolentry":      {[]string{"txid"}, (*Node).getMempoolEntry},
		"getmempoolinfo":       {nil, (*Node).getMempoolInfo},
		"getmempoolancestors":  {[]string{"txid"}, (*Node).getMempoolAncestors},
		"gettxspendingprevout": {[]string{"outputs"}, (*Node).getTxSpendingPrevout},
		"estimatesmartfee":     {[]string{"conf_target", "?estimate_mode"}, (*Node).estimateSmartFee},
		"estimatefee":          {[]string{"nblocks"}, func(*Node, args) (any, error) { return -1, nil }},
	}
}

func (n *Node) getRawMempool(a args) (any, error) {
	verbose, err := a.flag(0, false)
	if err != nil {
		return nil, err
	}
	sequence, err := a.flag(1, false)
	if err != nil {
		return nil, err
	}
	c := n.chain
	c.mu.RLock()
	defer c.mu.RUnlock()
	if verbose && sequence {
		return nil, &Reject{codeParameter, "Verbose results cannot contain mempool sequence values."}
	}
	if verbose {
		entries := object{}
		for _, entry := range c.pool.order {
			entries = entries.with(entry.id.String(), n.showEntry(entry))
		}
		return entries, nil
	}
	ids := make(list, len(c.pool.order))
	for i, entry := range c.pool.order {
		ids[i] = entry.id
	}
	if sequence {
		return object{{"txids", ids}, {"mempool_sequence", c.pool.sequence}}, nil
	}
	return ids, nil
}

func (n *Node) getMempoolEntry(a args) (any, error) {
	n.chain.mu.RLock()
	defer n.chain.mu.RUnlock()
	entry, err := n.entry(a)
	if err != nil {
		return nil, err
	}
	return n.showEntry(entry), nil
}

func (n *Node) entry(a args) (*poolTx, error) {
	id, err := a.hash(0, "parameter 1")
	if err != nil {
		return nil, err
	}
	entry, ok := n.chain.pool.byID[coins.TxID(id)]
	if !ok {
		return nil, &Reject{codeNotFound, "Transaction not in mempool"}
	}
	return entry, nil
}

// family is what a mempool entry says about its relatives.
type family struct {
	count int
	size  coins.VBytes
	fees  coins.Amount
}

func familyOf(entries []*poolTx) (f family) {
	for _, entry := range entries {
		f.count++
		f.size += entry.tx.VSize()
		f.fees += entry.fee
	}
	return f
}

// ancestors returns an entry and all that it spends from.
func (c *Chain) ancestors(root *poolTx) []*poolTx {
	seen := map[coins.TxID]bool{root.id: true}
	found := []*poolTx{root}
	for i := 0; i < len(found); i++ {
		for _, in := range found[i].tx.Ins {
			parent, ok := c.pool.byID[in.Prev.TxID]
			if ok && !seen[parent.id] {
				seen[parent.id] = true
				found = append(found, parent)
			}
		}
	}
	return found
}

// signals reports whether an entry or one that it spends from signals
// replacement (BIP 125), whatever the node makes of it.
func (c *Chain) signals(entry *poolTx) bool {
	return slices.ContainsFunc(c.ancestors(entry), func(one *poolTx) bool { return signals(one.tx) })
}

func signals(tx *Tx) bool {
	return slices.ContainsFunc(tx.Ins, func(in In) bool { return in.Sequence < finalSequence-1 })
}

func (n *Node) showEntry(entry *poolTx) object {
	up, down := familyOf(n.chain.ancestors(entry)), familyOf(n.chain.withDescendants(entry))
	size := int64(entry.tx.VSize())
	fees := object{{"base", entry.fee}, {"modified", entry.fee}, {"ancestor", up.fees}, {"descendant", down.fees}}
	var o object
	switch n.dialect.kind {
	case core29:
		o = object{{"vsize", size}, {"weight", int64(entry.tx.weight())}}
	case litecoin21:
		o = object{{"fees", fees}, {"vsize", size}, {"weight", int64(entry.tx.weight())}, {"mwebweight", 0}, {"fee", entry.fee}, {"modifiedfee", entry.fee}}
	default:
		o = object{{"size", size}, {"fee", entry.fee}, {"modifiedfee", entry.fee}}
	}
	old, mweb := n.dialect.kind != core29, n.dialect.kind == litecoin21
	o = o.with("time", entry.time.Unix()).with("height", entry.height).
		when(n.dialect.kind == dogecoin14, "startingpriority", literal("0")).
		when(n.dialect.kind == dogecoin14, "currentpriority", literal("0")).
		with("descendantcount", down.count).with("descendantsize", int64(down.size)).
		when(mweb, "descendantmwebweight", 0).when(old, "descendantfees", int64(down.fees)).
		with("ancestorcount", up.count).with("ancestorsize", int64(up.size)).
		when(mweb, "ancestormwebweight", 0).when(old, "ancestorfees", int64(up.fees))
	if n.dialect.kind == dogecoin14 {
		return o.with("depends", n.depends(entry))
	}
	return o.with("wtxid", entry.tx.WitnessID()).when(!old, "fees", fees).
		with("depends", n.depends(entry)).with("spentby", n.spentBy(entry)).
		with("bip125-replaceable", n.chain.signals(entry)).with("unbroadcast", false)
}

func (n *Node) depends(entry *poolTx) list {
	ids := list{}
	for _, in := range entry.tx.Ins {
		if _, waiting := n.chain.pool.byID[in.Prev.TxID]; waiting {
			ids = append(ids, in.Prev.TxID)
		}
	}
	return ids
}

func (n *Node) spentBy(entry *poolTx) list {
	ids := list{}
	for i := range entry.tx.Outs {
		if id, spent := n.chain.pool.view.spent[coins.OutPoint{TxID: entry.id, Vout: uint32(i)}]; spent {
			ids = append(ids, id)
		}
	}
	return ids
}

func (n *Node) getMempoolInfo(args) (any, error) {
	n.chain.mu.RLock()
	defer n.chain.mu.RUnlock()
	return n.poolInfo(), nil
}

func (n *Node) poolInfo() object {
	all := familyOf(n.chain.pool.order)
	d := n.dialect
	doge, core := d.kind == dogecoin14, d.kind == core29
	o := object(nil).when(!doge, "loaded", true).with("size", all.count).with("bytes", int64(all.size)).
		with("usage", int64(all.size)*5).when(core, "total_fee", all.fees).with("maxmempool", 300_000_000)
	if doge {
		return o.with("mempoolminfee", coins.Amount(0))
	}
	o = o.with("mempoolminfee", d.relay).with("minrelaytxfee", d.relay).when(core, "incrementalrelayfee", d.increment).
		with("unbroadcastcount", 0)
	return o.when(core, "fullrbf", true)
}

func (n *Node) getMempoolAncestors(a args) (any, error) {
	n.chain.mu.RLock()
	defer n.chain.mu.RUnlock()
	entry, err := n.entry(a)
	if err != nil {
		return nil, err
	}
	ids := list{}
	for _, ancestor := range n.chain.ancestors(entry)[1:] {
		ids = append(ids, ancestor.id)
	}
	return ids, nil
}

func (n *Node) getTxSpendingPrevout(a args) (any, error) {
	outputs, ok := a.at(0).([]any)
	if !ok || len(outputs) == 0 {
		return nil, &Reject{codeParameter, "Invalid parameter, outputs are missing"}
	}
	n.chain.mu.RLock()
	defer n.chain.mu.RUnlock()
	found := list{}
	for _, output := range outputs {
		named, _ := output.(map[string]any)
		one := args{kind: a.kind, names: []string{"txid", "vout"}, values: []any{named["txid"], named["vout"]}}
		id, err := one.hash(0, "txid")
		if err != nil {
			return nil, err
		}
		vout, err := one.number(1, 0)
		if err != nil {
			return nil, err
		}
		op := coins.OutPoint{TxID: coins.TxID(id), Vout: uint32(vout)}
		o := object{{"txid", op.TxID}, {"vout", op.Vout}}
		if pool := n.chain.pool.view; pool != nil {
			spender, spent := pool.spent[op]
			o = o.when(spent, "spendingtxid", spender)
		}
		found = append(found, o)
	}
	return found, nil
}

// estimateSmartFee knows nothing, as a node on regtest does.
func (n *Node) estimateSmartFee(a args) (any, error) {
	target, err := a.number(0, 0)
	if err != nil {
		return nil, err
	}
	if n.dialect.kind == dogecoin14 {
		return object{{"feerate", -1}, {"blocks", target}}, nil
	}
	if target < 1 || target > 1008 {
		return nil, &Reject{codeParameter, "Invalid conf_target, must be between 1 and 1008"}
	}
	return object{{"errors", list{"Insufficient data or no feerate found"}}, {"blocks", 0}}, nil
}
