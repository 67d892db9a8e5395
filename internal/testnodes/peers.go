package testnodes

import (
	"context"
	"fmt"
)

type peer struct {
	Addr     string
	AddrBind string // our end of the connection; not told by old nodes
	Version  int    // 0 until the handshake is done
	Inbound  bool   // it called us
}

// ConnectTo makes the node call the other one and waits until both have finished the handshake.
func (n *Node) ConnectTo(ctx context.Context, other *Node) error {
	if _, err := n.Call(ctx, "addnode", other.P2P, "onetry"); err != nil {
		return err
	}
	err := poll(ctx, func() (bool, error) {
		out, err := n.peerAt(ctx, other)
		if err != nil || out == nil {
			return false, err
		}
		peers, err := ask[[]peer](ctx, other, "getpeerinfo")
		for _, p := range peers {
			if p.Inbound && p.Version != 0 && (p.Addr == out.AddrBind || out.AddrBind == "") {
				return true, nil
			}
		}
		return false, err
	})
	if err != nil {
		return fmt.Errorf("connect to %s: %w", other.P2P, err)
	}
	return nil
}

// DisconnectFrom ends the connection that ConnectTo made and waits until it is gone.
func (n *Node) DisconnectFrom(ctx context.Context, other *Node) error {
	if _, err := n.Call(ctx, "disconnectnode", other.P2P); err != nil {
		return err
	}
	err := poll(ctx, func() (bool, error) {
		still, err := n.peerAt(ctx, other)
		return still == nil, err
	})
	if err != nil {
		return fmt.Errorf("disconnect from %s: %w", other.P2P, err)
	}
	return nil
}

// peerAt is the node's finished connection to the other one, nil when there is none.
func (n *Node) peerAt(ctx context.Context, other *Node) (*peer, error) {
	peers, err := ask[[]peer](ctx, n, "getpeerinfo")
	for i := range peers {
		if peers[i].Addr == other.P2P && peers[i].Version != 0 {
			return &peers[i], nil
		}
	}
	return nil, err
}

// WaitSynced waits until the node and the others have the same tip.
func (n *Node) WaitSynced(ctx context.Context, others ...*Node) error {
	for _, other := range others {
		err := poll(ctx, func() (bool, error) {
			mine, err := n.Tip(ctx)
			if err != nil {
				return false, err
			}
			its, err := other.Tip(ctx)
			return mine == its, err
		})
		if err != nil {
			return fmt.Errorf("wait for the tip of %s at %s: %w", n.P2P, other.P2P, err)
		}
	}
	return nil
}
