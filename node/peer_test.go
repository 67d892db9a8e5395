package node_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/node"
)

// fakePeer speaks the peer protocol through btcd's code, over the chain of a
// fake. A test decides what it does with requests.
type fakePeer struct {
	t     *testing.T
	fake  *fake
	magic wire.BitcoinNet
	addr  string

	mu     sync.Mutex
	conns  []net.Conn
	served func(c net.Conn, m wire.Message) bool // false: answered as usual
	work   sync.WaitGroup
}

const protocol = 70015

func newFakePeer(t *testing.T, f *fake) *fakePeer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	magic := params(t, "doge").Chain.Magic
	p := &fakePeer{t: t, fake: f, addr: l.Addr().String(), magic: wire.BitcoinNet(binary.LittleEndian.Uint32(magic[:]))}
	p.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.conns = append(p.conns, c)
			p.mu.Unlock()
			p.work.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.hangUp()
		p.work.Wait()
	})
	return p
}

func (p *fakePeer) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

// set decides what happens to messages from now on.
func (p *fakePeer) set(served func(c net.Conn, m wire.Message) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.served = served
}

func (p *fakePeer) send(c net.Conn, m wire.Message) {
	_ = wire.WriteMessage(c, m, protocol, p.magic) // a client that left is what some tests are about
}

// announce sends a message on the newest connection.
func (p *fakePeer) announce(m wire.Message) {
	p.mu.Lock()
	c := p.conns[len(p.conns)-1]
	p.mu.Unlock()
	p.send(c, m)
}

func (p *fakePeer) serve(c net.Conn) {
	defer c.Close()
	for {
		m, _, err := wire.ReadMessage(c, protocol, p.magic)
		if errors.Is(err, wire.ErrUnknownMessage) {
			continue
		}
		if err != nil {
			return
		}
		p.mu.Lock()
		served := p.served
		p.mu.Unlock()
		if served == nil || !served(c, m) {
			p.answer(c, m)
		}
	}
}

func (p *fakePeer) answer(c net.Conn, m wire.Message) {
	switch m := m.(type) {
	case *wire.MsgVersion:
		mine := wire.NewMsgVersion(&m.AddrMe, &m.AddrYou, 1, 138)
		mine.UserAgent = "/fake:1/"
		p.send(c, mine)
		p.send(c, wire.NewMsgVerAck())
	case *wire.MsgPing:
		p.send(c, wire.NewMsgPong(m.Nonce))
	case *wire.MsgGetData:
		for _, inv := range m.InvList {
			if raw := p.fake.rawBlock(inv.Hash); raw != nil && inv.Type == wire.InvTypeBlock {
				c.Write(p.frame("block", len(raw), raw))
			}
		}
	}
}

func (f *fake) rawBlock(hash [32]byte) []byte {
	for i := range f.chain {
		if f.chain[i].Hash == hash {
			return f.chain[i].raw(f.t)
		}
	}
	return nil
}

// frame is a message with a length of our choice. Its checksum is wrong on
// purpose: that of blocks is not looked at.
func (p *fakePeer) frame(command string, length int, payload []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(p.magic))
	b = append(b, make([]byte, 12)...)
	copy(b[4:], command)
	b = binary.LittleEndian.AppendUint32(b, uint32(length))
	return append(append(b, 1, 2, 3, 4), payload...)
}

// openPeer opens a client whose blocks come over the peer protocol.
func openPeer(t *testing.T, f *fake, p *fakePeer, change func(*node.Options)) *node.Node {
	t.Helper()
	n := f.open(t, func(o *node.Options) {
		o.P2P = p.addr
		if change != nil {
			change(o)
		}
	})
	if got := n.Status().Transport; got != node.P2P {
		t.Fatalf("transport %q: %+v", got, n.Status().Transports)
	}
	return n
}

// TestPipeline holds back the answers until the pipe is full and expects
// exactly as many requests as may be in flight, and every block in the end.
func TestPipeline(t *testing.T) {
	f := newFake(t)
	p := newFakePeer(t, f)
	const depth = 32
	n := openPeer(t, f, p, func(o *node.Options) { o.BlockTimeout = time.Minute })
	var waiting []wire.Message
	full, requests := false, 0
	p.set(func(c net.Conn, m wire.Message) bool {
		if full {
			return false
		}
		// The ping behind the last request; one behind the probe of Open may have come first.
		if _, isPing := m.(*wire.MsgPing); isPing && requests == depth {
			for _, held := range waiting {
				p.answer(c, held)
			}
			full = true
			return false
		}
		if _, isRequest := m.(*wire.MsgGetData); isRequest {
			if requests++; requests > depth {
				t.Errorf("%d requests in flight, limit %d", requests, depth)
			}
		}
		waiting = append(waiting, m)
		return true
	})
	var workers sync.WaitGroup
	for i := range f.chain {
		workers.Go(func() {
			raw, err := n.Block(t.Context(), f.chain[i].id(), make([]byte, 3))
			if err != nil || !bytes.Equal(raw, f.chain[i].raw(t)) {
				t.Errorf("block %d: %d bytes, %v", i, len(raw), err)
			}
		})
	}
	workers.Wait()
	if s := n.Status(); s.Transport != node.P2P {
		t.Errorf("given up: %+v", s.Transports)
	}
}

// TestPeerFaults breaks the peer in every way and expects the block over RPC,
// and the reason in the status.
func TestPeerFaults(t *testing.T) {
	f := newFake(t)
	raw := f.chain[50].raw(t)
	cases := []struct {
		name  string
		reply func(p *fakePeer, c net.Conn)
		want  error
	}{
		{"stalls", func(*fakePeer, net.Conn) {}, node.ErrTimeout},
		{"stalls in a frame", func(p *fakePeer, c net.Conn) { c.Write(p.frame("block", len(raw), nil)[:10]) }, node.ErrTimeout},
		{"stalls in a block", func(p *fakePeer, c net.Conn) { c.Write(p.frame("block", len(raw), raw[:100])) }, node.ErrTimeout},
		{"hangs up", func(_ *fakePeer, c net.Conn) { c.Close() }, node.ErrUnreachable},
		{"hangs up in a frame", func(p *fakePeer, c net.Conn) { c.Write(p.frame("block", 1, nil)[:10]); endWrite(c) }, node.ErrCutShort},
		{"hangs up in a block", func(p *fakePeer, c net.Conn) { c.Write(p.frame("block", len(raw), raw[:100])); endWrite(c) }, node.ErrCutShort},
		{"huge frame", func(p *fakePeer, c net.Conn) { c.Write(p.frame("block", 1<<31, raw)) }, node.ErrTooLarge},
		{"huge block", func(p *fakePeer, c net.Conn) { c.Write(p.frame("block", 30<<20, raw)) }, node.ErrTooLarge},
		{"huge message", func(p *fakePeer, c net.Conn) { c.Write(p.frame("inv", 30<<20, raw)) }, node.ErrTooLarge},
		{"tiny block", func(p *fakePeer, c net.Conn) { c.Write(p.frame("block", 10, raw[:10])) }, node.ErrGarbage},
		{"other magic", func(_ *fakePeer, c net.Conn) { c.Write(make([]byte, 200)) }, node.ErrGarbage},
		{"binary command", func(p *fakePeer, c net.Conn) { c.Write(p.frame("a\x01b", 0, nil)) }, node.ErrGarbage},
		{"HTTP", func(_ *fakePeer, c net.Conn) { c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }, node.ErrGarbage},
		{"checksum", func(p *fakePeer, c net.Conn) { c.Write(p.frame("inv", 1, []byte{0})) }, node.ErrGarbage},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newFakePeer(t, f)
			n := openPeer(t, f, p, func(o *node.Options) { o.BlockTimeout = 300 * time.Millisecond })
			p.set(func(conn net.Conn, m wire.Message) bool {
				if _, asked := m.(*wire.MsgGetData); asked {
					c.reply(p, conn)
				}
				return true
			})
			got, err := n.Block(t.Context(), f.chain[50].id(), nil)
			if err != nil || !bytes.Equal(got, raw) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			s := n.Status()
			if s.Transport != node.RPC || !errors.Is(s.Transports[1].Err, c.want) {
				t.Errorf("want %v in %+v", c.want, s.Transports)
			}
		})
	}
}

// TestPeerLacksBlock expects silence about a block, a notfound, and another
// block to be taken for what they are, not for a broken peer.
func TestPeerLacksBlock(t *testing.T) {
	f := newFake(t)
	cases := map[string]func(p *fakePeer, c net.Conn, m *wire.MsgGetData){
		"silence":  func(*fakePeer, net.Conn, *wire.MsgGetData) {},
		"notfound": func(p *fakePeer, c net.Conn, m *wire.MsgGetData) { p.send(c, &wire.MsgNotFound{InvList: m.InvList}) },
		"another": func(p *fakePeer, c net.Conn, m *wire.MsgGetData) {
			raw := f.chain[7].raw(t)
			c.Write(p.frame("block", len(raw), raw))
		},
	}
	for name, reply := range cases {
		t.Run(name, func(t *testing.T) {
			p := newFakePeer(t, f)
			n := openPeer(t, f, p, nil)
			p.set(func(c net.Conn, m wire.Message) bool {
				getData, asked := m.(*wire.MsgGetData)
				if asked {
					reply(p, c, getData)
				}
				return asked
			})
			if _, err := n.Block(t.Context(), f.chain[50].id(), nil); err != nil { // RPC has it
				t.Error(err)
			}
			if _, err := n.Block(t.Context(), coins.BlockID{Hash: coins.BlockHash{9}}, nil); !errors.Is(err, node.ErrNotFound) {
				t.Errorf("got %v, want ErrNotFound", err)
			}
			if s := n.Status(); s.Transport != node.P2P {
				t.Errorf("given up: %+v", s.Transports)
			}
		})
	}
}

// TestPeerCancel cancels a call while the peer is in the middle of its block:
// the buffer is the caller's again when the call returns.
func TestPeerCancel(t *testing.T) {
	f := newFake(t)
	p := newFakePeer(t, f)
	n := openPeer(t, f, p, nil)
	raw := f.chain[50].raw(t)
	ctx, cancel := context.WithCancel(t.Context())
	p.set(func(c net.Conn, m wire.Message) bool {
		if _, asked := m.(*wire.MsgGetData); asked {
			c.Write(p.frame("block", len(raw), raw[:100]))
			cancel()
		}
		return true
	})
	buf, err := n.Block(ctx, f.chain[50].id(), make([]byte, 0, 10_000))
	if !errors.Is(err, context.Canceled) || cap(buf) < 10_000 {
		t.Fatalf("%d bytes of room, %v", cap(buf), err)
	}
	buf = buf[:cap(buf)]
	for i := range buf {
		buf[i] = 0xee // the race detector sees who else writes here
	}
	p.hangUp()
	if slices.ContainsFunc(buf, func(b byte) bool { return b != 0xee }) {
		t.Error("the buffer was written to after the call")
	}
}

// TestPeerHints expects announcements as hints, pings answered, and a new
// connection after a broken one, with a gap.
func TestPeerHints(t *testing.T) {
	f := newFake(t)
	p := newFakePeer(t, f)
	ponged := make(chan uint64, 1)
	p.set(func(_ net.Conn, m wire.Message) bool {
		if pong, ok := m.(*wire.MsgPong); ok {
			ponged <- pong.Nonce
		}
		return false
	})
	n := openPeer(t, f, p, func(o *node.Options) { o.RetryMin, o.RetryMax = time.Millisecond, 10*time.Millisecond })
	next := func(want node.HintKind) {
		t.Helper()
		if got := <-n.Hints(); got.Kind != want {
			t.Errorf("hint %d, want %d", got.Kind, want)
		}
	}
	next(node.HintGap)
	if s := n.Status().Feeds[0]; !s.Connected || s.Peer != "/fake:1/" {
		t.Errorf("feed %+v", s)
	}
	p.announce(&wire.MsgInv{InvList: []*wire.InvVect{{Type: wire.InvTypeBlock}}})
	next(node.HintBlock)
	p.announce(&wire.MsgInv{InvList: []*wire.InvVect{{Type: wire.InvTypeTx}}})
	next(node.HintTx)
	p.announce(&wire.MsgHeaders{Headers: []*wire.BlockHeader{{}}})
	next(node.HintBlock)
	p.announce(wire.NewMsgPing(77))
	if got := <-ponged; got != 77 {
		t.Errorf("pong %d", got)
	}
	p.hangUp()
	next(node.HintGap)
	eventually(t, func() bool { return n.Status().Transport == node.P2P })
}

// TestPeerHandshake expects a clear reason when no handshake comes about.
func TestPeerHandshake(t *testing.T) {
	f := newFake(t)
	cases := []struct {
		name  string
		reply func(p *fakePeer, c net.Conn)
		want  error
	}{
		{"silent", func(*fakePeer, net.Conn) {}, node.ErrTimeout},
		{"other network", func(_ *fakePeer, c net.Conn) { _ = wire.WriteMessage(c, wire.NewMsgVerAck(), protocol, wire.MainNet) }, node.ErrGarbage},
		{"short version", func(p *fakePeer, c net.Conn) { c.Write(emptyFrame(p, "version")) }, node.ErrGarbage},
		{"chatter", func(p *fakePeer, c net.Conn) {
			for range 200 {
				p.send(c, wire.NewMsgSendHeaders())
			}
		}, node.ErrGarbage},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newFakePeer(t, f)
			p.set(func(conn net.Conn, _ wire.Message) bool { c.reply(p, conn); return true })
			n := f.open(t, func(o *node.Options) { o.P2P, o.DialTimeout = p.addr, 300*time.Millisecond })
			s := n.Status()
			if s.Transport != node.RPC || !errors.Is(s.Transports[1].Err, c.want) {
				t.Errorf("want %v in %+v", c.want, s.Transports)
			}
		})
	}
}

// emptyFrame is a message without payload, with the right checksum.
func emptyFrame(p *fakePeer, command string) []byte {
	b := p.frame(command, 0, nil)
	copy(b[20:], []byte{0x5d, 0xf6, 0xe0, 0xe2})
	return b
}

// endWrite ends a connection without a reset, which would race with what was
// written before.
func endWrite(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() }
