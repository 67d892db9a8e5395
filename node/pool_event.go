package node

import (
	"time"

	"coffer.example/coffer/coins"
)

// PoolEvent is something that happened to the nodes of a pool: one of the types
// below. Nodes are named by their RPC address without credentials.
type PoolEvent interface{ poolEvent() }

// NodeDown says that a node of several does not answer, or is of another chain.
type NodeDown struct {
	Node string
	Err  error
}

// NodeUp says that it answers again, or does for the first time after failing.
type NodeUp struct {
	Node string
	Down time.Duration
}

// NodeBarred says that a node gave what does not verify, and is passed over.
type NodeBarred struct {
	Node string
	Err  error
	For  time.Duration
}

// NodeSwitched says that another node is in use from now on.
type NodeSwitched struct {
	From, To string
	// Reason is how the old one does; HealthOK where it is left for a node that
	// is preferred to it.
	Reason Health
	// Err is its last error; nil where there is none.
	Err error
}

// NodesDisagree is an alarm: the chain of a node differs from that of the node
// in use deeper, or for longer, than forks normally do. One of them may be cut
// off from its network, or attacked. Sent once each time it begins.
type NodesDisagree struct {
	// Node is the one that differs from InUse; Tip and InUseTip are theirs.
	Node, InUse   string
	Tip, InUseTip coins.BlockID
	Fork          Fork
}

// NodesAgree says that the alarm is over.
type NodesAgree struct{}

func (NodeDown) poolEvent()      {}
func (NodeUp) poolEvent()        {}
func (NodeBarred) poolEvent()    {}
func (NodeSwitched) poolEvent()  {}
func (NodesDisagree) poolEvent() {}
func (NodesAgree) poolEvent()    {}

// Fork is how the chain of a node differs from that of the node in use.
type Fork struct {
	// Depth is the number of blocks of the lower of the two chains above the
	// last common block.
	Depth coins.Height
	// Since is when it was first seen.
	Since time.Time
	// Alarm says that it is deeper or older than a fork's normal life.
	Alarm bool
}

// Member is one node of a pool as it was last seen.
type Member struct {
	Status
	Health Health
	InUse  bool
	// Lag is by how many blocks the node is behind the highest.
	Lag coins.Height
	// Fork is how its chain differs from that of the node in use, nil while it
	// does not.
	Fork *Fork
}

// Members returns all nodes in the order of the configuration, without asking
// them.
func (p *Pool) Members() []Member {
	members := make([]Member, len(p.nodes))
	for i, n := range p.nodes {
		members[i] = Member{Status: n.Status()}
	}
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	now := p.opts.Clock()
	for i := range members {
		m, s := &members[i], &p.state.seen[i]
		m.Health, m.InUse, m.Lag = s.health(now, &p.opts), i == p.state.inUse, lag(p.state.seen, i)
		if s.fork != nil {
			fork := *s.fork
			m.Fork = &fork
		}
	}
	return members
}

// Status returns the node in use as it was last seen, without asking it.
func (p *Pool) Status() Status {
	_, n := p.current()
	return n.Status()
}

// lastError is the error of the last call, nil where it was answered.
func (n *Node) lastError() error {
	n.state.mu.Lock()
	defer n.state.mu.Unlock()
	return n.state.err
}
