package simnode

import (
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
)

func chainMethods() map[string]method {
	return map[string]method{
		"getblockcount":     {nil, (*Node).getBlockCount},
		"getbestblockhash":  {nil, (*Node).getBestBlockHash},
		"getblockhash":      {[]string{"height"}, (*Node).getBlockHash},
		"getblockchaininfo": {nil, (*Node).getBlockchainInfo},
		"getchaintips":      {nil, (*Node).getChainTips},
		"getdifficulty":     {nil, func(*Node, args) (any, error) { return regtestDifficulty, nil }},
		"gettxout":          {[]string{"txid", "n", "?include_mempool"}, (*Node).getTxOut},
		"scantxoutset":      {[]string{"action", "?scanobjects"}, (*Node).scanTxOutSet},
		"gettxoutsetinfo":   {nil, (*Node).getTxOutSetInfo},
	}
}

func (n *Node) getBlockCount(args) (any, error) { return n.chain.Tip().Height, nil }

func (n *Node) getBestBlockHash(args) (any, error) { return n.chain.Tip().Hash, nil }

func (n *Node) getBlockHash(a args) (any, error) {
	height, err := a.number(0, 0)
	if err != nil {
		return nil, err
	}
	if height > int64(coins.MaxHeight) {
		height = -1
	}
	id, ok := n.chain.BlockID(coins.Height(height))
	if !ok {
		return nil, &Reject{codeParameter, "Block height out of range"}
	}
	return id.Hash, nil
}

func (n *Node) getBlockchainInfo(args) (any, error) {
	n.chain.mu.RLock()
	defer n.chain.mu.RUnlock()
	return n.chainInfo(), nil
}

// chainInfo is the answer of getblockchaininfo and of REST's chaininfo.
func (n *Node) chainInfo() object {
	tip, core := n.chain.tip(), n.dialect.kind == core29
	size := 0
	for _, b := range n.chain.active {
		size += len(b.raw) + 8
	}
	pruned := n.options.PrunedBelow
	o := object{
		{"chain", "regtest"}, {"blocks", tip.id.Height}, {"headers", tip.id.Height}, {"bestblockhash", tip.id.Hash},
	}
	o = o.when(core, "bits", fmt.Sprintf("%08x", tip.header.Bits())).when(core, "target", regtestTarget).
		with("difficulty", regtestDifficulty).when(core, "time", tip.header.Time()).with("mediantime", tip.medianTime()).
		with("verificationprogress", 1).with("initialblockdownload", n.state.downloading.Load()).
		with("chainwork", chainwork(tip)).with("size_on_disk", size).with("pruned", pruned > 0).
		when(pruned > 0, "pruneheight", pruned)
	if n.dialect.kind == dogecoin14 {
		o = o.with("softforks", list{}).with("bip9_softforks", object{})
	} else if !core {
		o = o.with("softforks", object{})
	}
	return o.with("warnings", n.dialect.warnings())
}

// getChainTips lists every block without a child, the active one first of its
// height.
func (n *Node) getChainTips(args) (any, error) {
	c := n.chain
	c.mu.RLock()
	defer c.mu.RUnlock()
	parents := make(map[*block]bool)
	for _, b := range c.blocks {
		if !c.isActive(b) {
			parents[b.parent] = true
		}
	}
	tips := []*block{c.tip()}
	for _, b := range c.blocks {
		if !parents[b] && !c.isActive(b) {
			tips = append(tips, b)
		}
	}
	slices.SortFunc(tips, func(a, b *block) int {
		if a.id.Height != b.id.Height {
			return int(b.id.Height - a.id.Height)
		}
		return int(a.serial) - int(b.serial)
	})
	found := make(list, len(tips))
	for i, b := range tips {
		fork := b
		for !c.isActive(fork) {
			fork = fork.parent
		}
		found[i] = object{
			{"height", b.id.Height}, {"hash", b.id.Hash}, {"branchlen", b.id.Height - fork.id.Height}, {"status", c.tipStatus(b)},
		}
	}
	return found, nil
}

func (c *Chain) tipStatus(b *block) string {
	switch {
	case b == c.tip():
		return "active"
	case !b.valid():
		return "invalid"
	case b.connected:
		return "valid-fork"
	}
	return "valid-headers"
}

func (n *Node) getTxOut(a args) (any, error) {
	hash, err := a.hash(0, "txid")
	if err != nil {
		return nil, err
	}
	vout, err := a.number(1, 0)
	if err != nil {
		return nil, err
	}
	withPool, err := a.flag(2, true)
	if err != nil {
		return nil, err
	}
	c := n.chain
	c.mu.RLock()
	defer c.mu.RUnlock()
	op := coins.OutPoint{TxID: coins.TxID(hash), Vout: uint32(vout)}
	coin, ok := c.coins.unspent[op]
	confirmations := len(c.active) - int(coin.Height)
	if pool := c.pool.view; withPool && pool != nil {
		coin, ok = pool.coin(op)
		if _, fresh := pool.made[op]; fresh {
			confirmations = 0
		}
	}
	if !ok {
		return nil, nil
	}
	o := object{{"bestblock", c.tip().id.Hash}, {"confirmations", confirmations}, {"value", coin.Value}, {"scriptPubKey", n.showScript(coin.Script)}}
	return o.when(n.dialect.kind == dogecoin14, "version", c.rules.txData).with("coinbase", coin.Coinbase), nil
}

func (n *Node) scanTxOutSet(a args) (any, error) {
	action, err := a.text(0)
	switch {
	case err != nil:
		return nil, err
	case action == "status":
		return nil, nil
	case action == "abort":
		return false, nil
	case action != "start":
		if n.dialect.kind == core29 {
			return nil, &Reject{codeParameter, "Invalid action '" + action + "'"}
		}
		return nil, &Reject{codeParameter, "Invalid command"}
	}
	objects, ok := a.at(1).([]any)
	if !ok {
		return nil, &Reject{codeMisc, "scanobjects argument is required for the start action"}
	}
	wanted := make(map[string]bool)
	for _, item := range objects {
		if named, ok := item.(map[string]any); ok {
			item = named["desc"]
		}
		text, _ := item.(string)
		script, err := descriptorScript(n.chain.config.Coin, text)
		if err != nil {
			return nil, err
		}
		wanted[string(script)] = true
	}
	return n.scanFor(wanted), nil
}

func (n *Node) scanFor(wanted map[string]bool) any {
	c := n.chain
	c.mu.RLock()
	defer c.mu.RUnlock()
	var total coins.Total
	unspents := list{}
	core := n.dialect.kind == core29
	for _, coin := range c.selectCoins(func(coin Coin) bool { return wanted[string(coin.Script)] }) {
		total = total.Add(coin.Value)
		o := object{
			{"txid", coin.OutPoint.TxID}, {"vout", coin.OutPoint.Vout}, {"scriptPubKey", hexBytes(coin.Script)},
			{"desc", describe(c.config.Coin, coin.Script)}, {"amount", coin.Value},
		}
		o = o.when(core, "coinbase", coin.Coinbase).with("height", coin.Height).
			when(core, "blockhash", c.active[coin.Height].id.Hash).when(core, "confirmations", len(c.active)-int(coin.Height))
		unspents = append(unspents, o)
	}
	tip := c.tip().id
	return object{
		{"success", true}, {"txouts", len(c.coins.unspent)}, {"height", tip.Height}, {"bestblock", tip.Hash},
		{"unspents", unspents}, {"total_amount", total},
	}
}

func (n *Node) getTxOutSetInfo(args) (any, error) {
	c := n.chain
	c.mu.RLock()
	defer c.mu.RUnlock()
	var total coins.Total
	txs := make(map[coins.TxID]bool)
	for op, coin := range c.coins.unspent {
		total = total.Add(coin.Value)
		txs[op.TxID] = true
	}
	tip := c.tip().id
	return object{
		{"height", tip.Height}, {"bestblock", tip.Hash}, {"transactions", len(txs)},
		{"txouts", len(c.coins.unspent)}, {"total_amount", total},
	}, nil
}
