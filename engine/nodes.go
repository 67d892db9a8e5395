package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
	"coffer.example/coffer/scanner"
)

// Nodes asks all nodes of a coin at once.
type Nodes interface {
	// Agreement tells how many of the coin's nodes have a block, named by height or hash, on their active chain. A
	// height is that of the chain of the node in use.
	Agreement(ctx context.Context, coin coins.Symbol, heightOrHash string) (Agreement, error)
}

// Agreement is how many of a coin's nodes have a block on their active chain.
type Agreement struct {
	Block coins.BlockID `json:"block"`
	// Agree counts the nodes that have it, Of those that are configured: one that is down or behind does not agree.
	Agree int `json:"agree"`
	Of    int `json:"of"`
}

// NodeStatus tells of one of a coin's nodes.
type NodeStatus struct {
	URL string `json:"url"`
	// InUse says that this node is the one whose chain is followed.
	InUse bool `json:"in_use"`
	// State is ok, behind, barred (it gave what does not verify), starting, down or wrong chain.
	State string `json:"state"`
	// Version is the node's name for itself, "/Satoshi:29.0.0/".
	Version string `json:"version,omitempty"`
	// Blocks is the way blocks are taken: rest, p2p or rpc. Hints are the ways news comes at once.
	Blocks string   `json:"blocks,omitempty"`
	Hints  []string `json:"hints,omitempty"`
	// Tip is the node's best block; Lag by how many blocks it is behind the highest of the nodes.
	Tip *coins.BlockID `json:"tip,omitempty"`
	Lag coins.Height   `json:"lag,omitempty"`
	// Fork tells how its chain differs from that of the node in use; absent while it does not.
	Fork *NodeFork `json:"fork,omitempty"`
	// Error says why it cannot be used.
	Error string `json:"error,omitempty"`
}

// NodeFork is how a node's chain differs from that of the node in use.
type NodeFork struct {
	// Depth is the number of blocks of the lower of both chains above the last common one.
	Depth coins.Height `json:"depth"`
	Since time.Time    `json:"since"`
	// Alarm says that forks are normally not that deep, or do not last that long.
	Alarm bool `json:"alarm"`
}

// NodeEvent is something that happened to one of several nodes of a coin.
type NodeEvent struct{ Event node.PoolEvent }

func (NodeEvent) detail() {}

// Agreement is [Nodes]'.
func (e *Engine) Agreement(ctx context.Context, coin coins.Symbol, heightOrHash string) (Agreement, error) {
	p, err := e.part(coin)
	if err != nil {
		return Agreement{}, err
	}
	client, err := p.openNodes(ctx)
	if err != nil {
		return Agreement{}, err
	}
	id, err := blockNamed(ctx, client, heightOrHash)
	if err != nil {
		return Agreement{}, err
	}
	return agreement(ctx, client, id)
}

func agreement(ctx context.Context, client *node.Pool, id coins.BlockID) (a Agreement, err error) {
	a.Block = id
	a.Agree, a.Of, err = client.Agreement(ctx, id)
	return a, err
}

// News is what somebody outside says has happened.
type News int

// The kinds of news.
const (
	NewsBlock News = iota // there is a new block
	NewsTx                // there is a new unconfirmed transaction
)

// Wake lets a coin's scanner look at its nodes now. It carries no truth: without cause it costs a look. It fails with
// [ErrUnknownCoin], and does nothing for a coin that nobody follows at the moment.
func (e *Engine) Wake(coin coins.Symbol, news News) error {
	p, err := e.part(coin)
	if err != nil {
		return err
	}
	_, client, _ := p.opened()
	if client == nil {
		return nil
	}
	kind := node.HintBlock
	if news == NewsTx {
		kind = node.HintTx
	}
	client.Hint(node.Hint{Kind: kind})
	return nil
}

// openNodes returns the coin's nodes, which may not have answered yet.
func (p *part) openNodes(ctx context.Context) (*node.Pool, error) {
	p.opening.Lock()
	defer p.opening.Unlock()
	return p.openNodesLocked(ctx)
}

func (p *part) openNodesLocked(ctx context.Context) (*node.Pool, error) {
	if p.live.closed {
		return nil, ErrClosed
	}
	if p.live.nodes != nil {
		return p.live.nodes, nil
	}
	var nodes []node.Options
	for i := range p.config.Nodes {
		nodes = append(nodes, nodeOptions(&p.config.Nodes[i]))
	}
	options := p.options.Nodes
	options.OnEvent = func(e node.PoolEvent) { p.tell(0, NodeEvent{Event: e}) }
	client, err := node.OpenPool(ctx, p.coin.Params(), nodes, options)
	if err != nil {
		return nil, fmt.Errorf("nodes: %w", err)
	}
	p.set(func() { p.live.nodes, p.live.hints = client, hints(client.Hints(), p.done) })
	return client, nil
}

func nodeOptions(c *NodeConfig) node.Options {
	headers := make(map[string]string, len(c.Headers))
	for name, value := range c.Headers {
		headers[name] = value.Reveal()
	}
	return node.Options{
		RPC: c.RPC, User: c.User, Password: c.Password.Reveal(), PasswordFile: c.PasswordFile, CookieFile: c.CookieFile,
		Headers: headers, P2P: c.P2P, REST: c.REST, ZMQ: c.ZMQ, Known: knownChains(), Deferred: true,
	}
}

// hints turns the nodes' hints into the scanner's, until the nodes or the part are closed. The scanner reads them while
// it runs; what the nodes have in between stays bounded there.
func hints(from <-chan node.Hint, done <-chan struct{}) <-chan scanner.Hint {
	to := make(chan scanner.Hint)
	go func() {
		defer close(to)
		for hint := range from {
			select {
			case to <- scanner.Hint{Kind: scanner.HintKind(hint.Kind), Raw: hint.Raw}:
			case <-done:
				return
			}
		}
	}()
	return to
}

// meet asks the nodes for their tips, and waits until the best way of giving blocks has been found for the one in use.
func (p *part) meet(ctx context.Context, client *node.Pool) error {
	asking, cancel := context.WithTimeout(ctx, nodePatience)
	client.Probe(asking)
	cancel()
	ctx, cancel = context.WithTimeout(ctx, nodePatience)
	defer cancel()
	switch _, err := client.Tip(ctx); {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %s: %w", nodePatience, node.ErrTimeout)
	case err != nil:
		return err
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for client.Status().Transport == "" {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
	return nil
}

// nodesStatus tells of all nodes, and again of the one in use.
func nodesStatus(client *node.Pool) (all []NodeStatus, used *NodeStatus) {
	for _, m := range client.Members() {
		all = append(all, nodeStatus(m))
	}
	for i := range all {
		if all[i].InUse {
			used = &all[i]
		}
	}
	return all, used
}

func nodeStatus(m node.Member) NodeStatus {
	shown := NodeStatus{
		URL: m.Endpoint, InUse: m.InUse, State: string(m.Health), Version: m.Info.Subversion, Blocks: string(m.Transport), Lag: m.Lag,
	}
	for _, feed := range m.Feeds {
		if feed.Connected {
			shown.Hints = append(shown.Hints, feed.Name)
		}
	}
	if m.Info.Tip.Hash != (coins.BlockHash{}) {
		tip := m.Info.Tip
		shown.Tip = &tip
	}
	if m.Fork != nil {
		shown.Fork = &NodeFork{Depth: m.Fork.Depth, Since: m.Fork.Since.UTC(), Alarm: m.Fork.Alarm}
	}
	if m.Err != nil {
		shown.Error = m.Err.Error()
	}
	return shown
}
