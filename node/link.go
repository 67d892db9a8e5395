package node

import (
	"context"
	"fmt"
	"sync"

	"coffer.example/coffer/coins"
)

// link is the peer connection to the node, made anew where it broke. Only its
// probe makes one: a fetch on a broken link fails at once.
type link struct {
	params *coins.Params
	opts   *Options
	events peerEvents

	mu     sync.Mutex
	peer   *peer
	err    error // why there is no peer
	closed bool

	dialing sync.Mutex
	readers sync.WaitGroup
}

func newLink(params *coins.Params, o *Options, events peerEvents) *link {
	return &link{params: params, opts: o, events: events, err: errNotTried}
}

// block fetches over the connection that is there. Without one it makes one:
// the link's way is down then, so only the keeper's probe comes here.
func (l *link) block(ctx context.Context, id coins.BlockID, buf []byte) ([]byte, error) {
	p, err := l.connected(ctx)
	if err != nil {
		return buf, err
	}
	return p.block(ctx, id, buf)
}

func (l *link) current() (*peer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	return l.peer, nil
}

func (l *link) connected(ctx context.Context) (*peer, error) {
	if p, err := l.current(); p != nil || err != nil {
		return p, err
	}
	l.dialing.Lock()
	defer l.dialing.Unlock()
	if p, err := l.current(); p != nil || err != nil {
		return p, err
	}
	p, err := dialPeer(ctx, l.params, l.opts, peerEvents{hint: l.events.hint, lost: l.lost})
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.err = err
		return nil, err
	}
	if l.closed {
		p.conn.Close()
		return nil, ErrClosed
	}
	l.peer, l.err = p, nil
	l.readers.Go(p.read)
	l.events.hint(Hint{Kind: HintGap}) // what was announced before is not known
	return p, nil
}

// lost forgets a peer whose connection ended.
func (l *link) lost(err error) {
	err = fmt.Errorf("peer protocol: %w", err)
	l.mu.Lock()
	l.peer, l.err = nil, err
	closed := l.closed
	l.mu.Unlock()
	if !closed {
		l.events.lost(err)
	}
}

func (l *link) close() {
	l.mu.Lock()
	l.closed = true
	p := l.peer
	l.mu.Unlock()
	if p != nil {
		p.conn.Close()
	}
	l.readers.Wait()
}

func (l *link) status() FeedStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := FeedStatus{Name: "p2p " + l.opts.P2P, Connected: l.peer != nil, Err: l.err}
	if l.peer != nil {
		s.Peer = l.peer.theirs
	}
	return s
}
