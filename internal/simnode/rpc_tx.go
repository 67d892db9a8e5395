package simnode

import (
	"errors"
	"fmt"

	"coffer.example/coffer/coins"
)

func txMethods() map[string]method {
	return map[string]method{
		"getrawtransaction":    {[]string{"txid", "?verbosity", "?blockhash"}, (*Node).getRawTransaction},
		"sendrawtransaction":   {[]string{"hexstring", "?maxfeerate", "?maxburnamount"}, (*Node).sendRawTransaction},
		"decoderawtransaction": {[]string{"hexstring", "?iswitness"}, (*Node).decodeRawTransaction},
		"testmempoolaccept":    {[]string{"rawtxs", "?maxfeerate"}, (*Node).testMempoolAccept},
		"decodescript":         {[]string{"hexstring"}, (*Node).decodeScript},
		"validateaddress":      {[]string{"address"}, (*Node).validateAddress},
	}
}

// getRawTransaction finds a transaction in the mempool, or in the block that is
// named: there is no index of transactions.
func (n *Node) getRawTransaction(a args) (any, error) {
	id, err := a.hash(0, "parameter 1")
	if err != nil {
		return nil, err
	}
	level, err := a.level(1, 0)
	if err != nil {
		return nil, err
	}
	n.chain.mu.RLock()
	defer n.chain.mu.RUnlock()
	if a.at(2) != nil {
		return n.txInBlock(a, coins.TxID(id), level)
	}
	entry, ok := n.chain.pool.byID[coins.TxID(id)]
	switch {
	case !ok && n.dialect.kind == dogecoin14:
		return nil, &Reject{codeNotFound, "No such mempool transaction. Use -txindex to enable blockchain transaction queries. Use gettransaction for wallet transactions."}
	case !ok:
		return nil, &Reject{codeNotFound, "No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries. Use gettransaction for wallet transactions."}
	case level <= 0:
		return hexBytes(entry.raw), nil
	}
	return n.verboseTx(entry.tx), nil
}

// verboseTx puts the bytes where the dialect has them.
func (n *Node) verboseTx(tx *Tx) object {
	if n.dialect.kind == dogecoin14 {
		return append(object{{"hex", hexBytes(tx.Raw())}}, n.showTx(tx)...)
	}
	return n.showTx(tx).with("hex", hexBytes(tx.Raw()))
}

func (n *Node) txInBlock(a args, id coins.TxID, level int64) (any, error) {
	b, err := n.block(a, 2)
	if err != nil {
		if reject := (&Reject{}); errors.As(err, &reject) && reject.Code == codeNotFound {
			err = &Reject{codeNotFound, "Block hash not found"}
		}
		return nil, err
	}
	for i, other := range b.txs {
		if other != id {
			continue
		}
		tx := txAt(b.raw, n.chain.walked(b), i)
		if level <= 0 {
			return hexBytes(tx.Raw()), nil
		}
		active := n.chain.isActive(b)
		o := append(object{{"in_active_chain", active}}, n.verboseTx(tx)...).with("blockhash", b.id.Hash)
		return o.when(active, "confirmations", n.chain.confirmations(b)).
			when(active, "time", b.header.Time()).when(active, "blocktime", b.header.Time()).
			when(!active, "confirmations", 0), nil
	}
	return nil, &Reject{codeNotFound, "No such transaction found in the provided block. Use gettransaction for wallet transactions."}
}

// parse reads a raw transaction parameter.
func (n *Node) parse(a args, hint string) (*Tx, error) {
	refuse := &Reject{codeDecode, "TX decode failed" + hint}
	raw, err := a.bytes(0, refuse.Reason, codeDecode)
	if err != nil {
		return nil, err
	}
	tx, err := ParseTx(n.chain.params.Format, raw)
	if err != nil {
		return nil, refuse
	}
	return tx, nil
}

func (n *Node) sendRawTransaction(a args) (any, error) {
	hint := ". Make sure the tx has at least one input."
	if n.dialect.kind == dogecoin14 {
		hint = ""
	}
	tx, err := n.parse(a, hint)
	if err != nil {
		return nil, err
	}
	if err := n.chain.Broadcast(tx); err != nil {
		return nil, err
	}
	return tx.ID(), nil
}

func (n *Node) decodeRawTransaction(a args) (any, error) {
	tx, err := n.parse(a, "")
	if err != nil {
		return nil, err
	}
	return n.showTx(tx), nil
}

func (n *Node) testMempoolAccept(a args) (any, error) {
	raws, ok := a.at(0).([]any)
	if !ok {
		return nil, a.wrongType(0, "array")
	}
	answers := make(list, len(raws))
	for i, raw := range raws {
		tx, err := n.parse(args{kind: a.kind, names: a.names, values: []any{raw}}, fmt.Sprintf(": %v", raw))
		if err != nil {
			return nil, err
		}
		answers[i] = n.tryTx(tx)
	}
	return answers, nil
}

func (n *Node) tryTx(tx *Tx) object {
	c := n.chain
	c.mu.Lock()
	defer c.mu.Unlock()
	o := object{{"txid", tx.ID()}}.when(n.dialect.kind == core29, "wtxid", tx.WitnessID())
	if _, known := c.pool.byID[tx.ID()]; known {
		return o.with("allowed", false).with("reject-reason", "txn-already-in-mempool")
	}
	fee, err := c.poolView().check(tx)
	if err != nil {
		return o.with("allowed", false).with("reject-reason", err.Error())
	}
	return o.with("allowed", true).with("vsize", int64(tx.VSize())).with("fees", object{{"base", fee}})
}

// decodeScript leaves out the wrappings into P2SH and segwit that nodes add.
func (n *Node) decodeScript(a args) (any, error) {
	script, err := a.bytes(0, "argument must be hexadecimal string (not '%s')", codeParameter)
	if err != nil {
		return nil, err
	}
	var o object
	for _, m := range n.showScript(script) {
		if m.name != "hex" {
			o = append(o, m)
		}
	}
	return o, nil
}

func (n *Node) validateAddress(a args) (any, error) {
	address, err := a.text(0)
	if err != nil {
		return nil, err
	}
	script, err := n.chain.config.Coin.Script(address)
	if err != nil {
		o := object{{"isvalid", false}}
		if n.dialect.kind == core29 {
			o = o.with("error_locations", list{}).with("error", err.Error())
		}
		return o, nil
	}
	kind := n.chain.config.Coin.Type(script)
	isScript := kind == coins.ScriptHash || kind == coins.WitnessV0SH || kind == coins.WitnessV1TR
	o := object{{"isvalid", true}, {"address", address}, {"scriptPubKey", hexBytes(script)}, {"isscript", isScript}}
	if n.dialect.kind == dogecoin14 {
		return object{{"isvalid", true}, {"address", address}, {"scriptPubKey", hexBytes(script)}, {"ismine", false}, {"iswatchonly", false}, {"isscript", isScript}}, nil
	}
	witness := n.chain.params.Format.Segwit && len(script) > 2 && (script[0] == 0 || (script[0] >= opTrue && script[0] <= 0x60)) && int(script[1]) == len(script)-2
	o = o.with("iswitness", witness)
	if witness {
		version := 0
		if script[0] != 0 {
			version = int(script[0]) - opTrue + 1
		}
		o = o.with("witness_version", version).with("witness_program", hexBytes(script[2:]))
	}
	return o.when(n.dialect.kind == litecoin21, "ismweb", false), nil
}
