package simnode

import (
	"errors"

	"coffer.example/coffer/coins"
)

func blockMethods() map[string]method {
	return map[string]method{
		"getblock":          {[]string{"blockhash", "?verbosity"}, (*Node).getBlock},
		"getblockheader":    {[]string{"blockhash", "?verbose"}, (*Node).getBlockHeader},
		"submitblock":       {[]string{"hexdata", "?dummy"}, (*Node).submitBlock},
		"generatetoaddress": {[]string{"nblocks", "address", "?maxtries"}, (*Node).generateToAddress},
		"invalidateblock":   {[]string{"blockhash"}, (*Node).invalidateBlock},
		"reconsiderblock":   {[]string{"blockhash"}, (*Node).reconsiderBlock},
	}
}

// block finds the block that a parameter names. The chain is locked.
func (n *Node) block(a args, i int) (*block, error) {
	hash, err := a.hash(i, "blockhash")
	if err != nil {
		return nil, err
	}
	b, ok := n.chain.blocks[hash]
	if !ok {
		return nil, &Reject{codeNotFound, "Block not found"}
	}
	return b, nil
}

func (n *Node) pruned(b *block) bool { return b.id.Height < n.options.PrunedBelow }

func (n *Node) getBlock(a args) (any, error) {
	level, err := a.level(1, 1)
	if err != nil {
		return nil, err
	}
	n.chain.mu.RLock()
	defer n.chain.mu.RUnlock()
	b, err := n.block(a, 0)
	switch {
	case err != nil:
		return nil, err
	case n.pruned(b):
		return nil, &Reject{codeMisc, "Block not available (pruned data)"}
	case level <= 0:
		return hexBytes(b.raw), nil
	}
	return n.showBlock(b, level), nil
}

func (n *Node) getBlockHeader(a args) (any, error) {
	verbose, err := a.flag(1, true)
	if err != nil {
		return nil, err
	}
	n.chain.mu.RLock()
	defer n.chain.mu.RUnlock()
	b, err := n.block(a, 0)
	if err != nil {
		return nil, err
	}
	if verbose {
		return n.showHeader(b), nil
	}
	return hexBytes(b.raw[:b.body]), nil
}

func (n *Node) submitBlock(a args) (any, error) {
	raw, err := a.bytes(0, "Block decode failed", codeDecode)
	if err != nil {
		return nil, err
	}
	err = n.chain.Submit(raw)
	var reject *Reject
	if errors.As(err, &reject) && reject.Code == 0 {
		return reject.Reason, nil // not an error to the protocol
	}
	return nil, err
}

func (n *Node) generateToAddress(a args) (any, error) {
	count, err := a.number(0, 0)
	if err != nil {
		return nil, err
	}
	address, err := a.text(1)
	if err != nil {
		return nil, err
	}
	script, err := n.chain.config.Coin.Script(address)
	if err != nil {
		return nil, &Reject{codeNotFound, "Error: Invalid address"}
	}
	ids, err := n.chain.Mine(int(min(count, 100_000)), CoinbaseTo(script))
	if err != nil {
		return nil, err
	}
	hashes := make(list, len(ids))
	for i, id := range ids {
		hashes[i] = id.Hash
	}
	return hashes, nil
}

func (n *Node) invalidateBlock(a args) (any, error) { return n.mark(a, n.chain.Invalidate) }

func (n *Node) reconsiderBlock(a args) (any, error) { return n.mark(a, n.chain.Reconsider) }

func (n *Node) mark(a args, apply func(coins.BlockHash) error) (any, error) {
	hash, err := a.hash(0, "blockhash")
	if err != nil {
		return nil, err
	}
	if err := apply(hash); errors.Is(err, ErrUnknown) {
		return nil, &Reject{codeNotFound, "Block not found"}
	} else if err != nil {
		return nil, err
	}
	return nil, nil
}
