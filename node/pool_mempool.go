package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"coffer.example/coffer/coins"
)

// mempools is what the nodes beside the one in use had unconfirmed.
type mempools struct {
	mu   sync.Mutex
	last []poolIDs
}

// poolIDs is a node's mempool at a time when it had the tip of the node in use.
type poolIDs struct {
	ids []coins.TxID
	at  time.Time
}

// MempoolIDs returns the ids of what any node has unconfirmed. A node counts
// whose tip is that of the node in use; for LagAfter after it was, so that a
// block on its way or a hiccup takes nothing away, with what it had then: some
// of that may be confirmed. Memory is one list of ids for each node.
func (p *Pool) MempoolIDs(ctx context.Context) ([]coins.TxID, error) {
	var ids []coins.TxID
	var tip coins.BlockID
	used := 0
	err := p.ask(ctx, func(ctx context.Context, i int, n *Node) (err error) {
		if used = i; len(p.nodes) > 1 {
			if tip, err = n.Tip(ctx); err != nil {
				return err
			}
		}
		ids, err = n.MempoolIDs(ctx)
		return err
	})
	if err != nil || len(p.nodes) == 1 {
		return ids, err
	}
	others := make([][]coins.TxID, len(p.nodes))
	_ = p.each(ctx, func(ctx context.Context, i int, n *Node) error { // one that fails has its probes to tell
		if i == used || !p.inStep(i) {
			return nil
		}
		theirs, err := n.MempoolIDs(ctx)
		if err != nil {
			return err
		}
		if at, err := n.Tip(ctx); err == nil && at == tip {
			others[i] = theirs
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return p.union(used, ids, others), nil
}

// union adds what the others have, or had a moment ago.
func (p *Pool) union(used int, ids []coins.TxID, others [][]coins.TxID) []coins.TxID {
	p.pools.mu.Lock()
	defer p.pools.mu.Unlock()
	now := p.opts.Clock()
	var known map[coins.TxID]bool
	own := ids
	for i := range p.nodes {
		last := &p.pools.last[i]
		switch {
		case i == used:
			*last = poolIDs{ids: own, at: now}
			continue
		case others[i] != nil:
			*last = poolIDs{ids: others[i], at: now}
		case now.Sub(last.at) > p.opts.LagAfter:
			*last = poolIDs{}
		}
		if known == nil {
			known = make(map[coins.TxID]bool, len(ids))
			for _, id := range ids {
				known[id] = true
			}
		}
		for _, id := range last.ids {
			if !known[id] {
				known[id] = true
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// MempoolTxs is [Node.MempoolTxs] on the node in use, and for what that does
// not have on the others.
func (p *Pool) MempoolTxs(ctx context.Context, ids []coins.TxID, each func(id coins.TxID, raw []byte) error) error {
	var refused error
	left := make(map[coins.TxID]bool, len(ids))
	for _, id := range ids {
		left[id] = true
	}
	deliver := func(id coins.TxID, raw []byte) error {
		if !left[id] {
			return nil
		}
		delete(left, id)
		refused = each(id, raw)
		return refused
	}
	var failed error
	answered := false
	for _, i := range p.order() {
		err := p.patiently(ctx, len(p.nodes) > 1, func(ctx context.Context) error { return p.nodes[i].MempoolTxs(ctx, ids, deliver) })
		switch {
		case refused != nil:
			return refused
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			failed = also(failed, p.named(p.nodes[i], err))
		default:
			answered = true
		}
		if len(left) == 0 {
			return nil
		}
		ids = slices.DeleteFunc(slices.Clone(ids), func(id coins.TxID) bool { return !left[id] })
	}
	if answered {
		return nil
	}
	return failed
}
