package simnode

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"coffer.example/coffer/coins"
)

// Limits of the peer protocol.
const (
	frameHead  = 24      // magic, command, length, checksum
	maxPayload = 4 << 20 // of what a peer may send us, in bytes
	peerQueue  = 1 << 12 // messages waiting for one peer
)

// peers are the connections of the peer protocol.
type peers struct {
	node     *Node
	listener net.Listener
	unlisten func()

	mu     sync.Mutex
	open   map[*peer]bool
	closed bool
}

// servePeers starts to listen for peers.
func (n *Node) servePeers(ctx context.Context) error {
	listener, err := listen(ctx, n.options.P2PAddr)
	if err != nil {
		return fmt.Errorf("peer protocol: %w", err)
	}
	n.P2P = listener.Addr().String()
	n.doors.peers = &peers{node: n, listener: listener, open: make(map[*peer]bool)}
	n.doors.peers.unlisten = n.chain.listen(n.doors.peers.announce)
	n.life.work.Go(func() { n.doors.peers.accept(ctx) })
	return nil
}

func (ps *peers) accept(ctx context.Context) {
	for {
		conn, err := ps.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		p := &peer{node: ps.node, conn: conn, queue: make(chan message, peerQueue), done: make(chan struct{})}
		if !ps.add(p) {
			_ = conn.Close()
			return
		}
		ps.node.life.work.Go(func() {
			p.read(ctx)
			p.end()
			ps.drop(p)
		})
		ps.node.life.work.Go(func() {
			p.write(ctx)
			p.end()
		})
	}
}

func (ps *peers) add(p *peer) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if !ps.closed {
		ps.open[p] = true
	}
	return !ps.closed
}

func (ps *peers) drop(p *peer) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	delete(ps.open, p)
}

func (ps *peers) addresses() (found []string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for p := range ps.open {
		found = append(found, p.conn.RemoteAddr().String())
	}
	return found
}

func (ps *peers) close() {
	ps.unlisten()
	_ = ps.listener.Close()
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.closed = true
	for p := range ps.open {
		p.end()
	}
}

// announce tells every peer of new blocks and transactions. It is called with
// the chain locked.
func (ps *peers) announce(e event) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for p := range ps.open {
		if !p.ready.Load() {
			continue
		}
		switch {
		case e.kind == newTip && p.wantsHeaders.Load() && len(e.fresh) <= 8 && !ps.node.options.AnnounceHashes:
			p.offer(message{command: "headers", payload: headersOf(e.fresh)})
		case e.kind == newTip:
			p.offer(message{command: "inv", payload: inventory(invBlock, [32]byte(e.block.id.Hash))})
		case e.kind == txAdded && p.wantsTxs.Load():
			p.offer(message{command: "inv", payload: p.txInventory(e.tx)})
		}
	}
}

// peer is one connection.
type peer struct {
	node  *Node
	conn  net.Conn
	queue chan message
	done  chan struct{}
	once  sync.Once

	ready, greeted, wantsHeaders, wantsTxs, byWitness atomic.Bool
}

// message is one to send. A block's bytes are made when its turn comes.
type message struct {
	command string
	payload []byte
	block   *block
	parts   byte
}

func (p *peer) end() {
	p.once.Do(func() {
		close(p.done)
		_ = p.conn.Close()
	})
}

// offer queues an announcement. A peer that does not read is dropped.
func (p *peer) offer(m message) {
	select {
	case p.queue <- m:
	default:
		p.end()
	}
}

// send queues an answer, waiting for room.
func (p *peer) send(command string, payload []byte) {
	p.sendMessage(message{command: command, payload: payload})
}

func (p *peer) sendMessage(m message) {
	select {
	case p.queue <- m:
	case <-p.done:
	}
}

func (p *peer) write(ctx context.Context) {
	for {
		select {
		case <-p.done:
			return
		case m := <-p.queue:
			if err := p.put(ctx, m); err != nil {
				return
			}
		}
	}
}

// put writes one message.
func (p *peer) put(ctx context.Context, m message) error {
	if m.block != nil {
		m.payload = p.node.blockPayload(m.block, m.parts)
	}
	fault := p.node.fault(ctx, ProtocolP2P, m.command)
	if fault.Drop {
		return nil
	}
	m.payload = fault.apply(m.payload)
	head := make([]byte, frameHead)
	copy(head, p.node.chain.params.Chain.Magic[:])
	copy(head[4:16], m.command)
	binary.LittleEndian.PutUint32(head[16:], uint32(len(m.payload)))
	sum := sha256d(m.payload)
	copy(head[20:], sum[:4])
	if fault.Garbage {
		copy(head, garbage)
	}
	if fault.broken() {
		all := append(head, m.payload...)
		_, _ = p.conn.Write(all[:fault.keep(len(all))])
		return errors.New("broken off")
	}
	buffers := net.Buffers{head, m.payload}
	if fault.Twice {
		buffers = append(buffers, head, m.payload)
	}
	_, err := buffers.WriteTo(p.conn)
	return err
}

// blockPayload returns a block as the peer protocol carries it: a node that was
// not asked for MWEB data leaves it out.
func (n *Node) blockPayload(b *block, parts byte) []byte {
	f := n.chain.params.Format
	if parts == withWitness|withMWEB || (parts == withWitness && !f.MWEB) || (!f.Segwit && !f.MWEB) {
		return b.raw
	}
	return appendWithoutMWEB(make([]byte, 0, len(b.raw)), b, n.chain.walked(b), parts)
}

// read handles a peer's messages until one is wrong or the connection ends.
func (p *peer) read(ctx context.Context) {
	reader := bufio.NewReaderSize(p.conn, 1<<16)
	head := make([]byte, frameHead)
	for ctx.Err() == nil {
		if _, err := io.ReadFull(reader, head); err != nil {
			return
		}
		size := binary.LittleEndian.Uint32(head[16:])
		if [4]byte(head[:4]) != p.node.chain.params.Chain.Magic || size > maxPayload {
			return
		}
		payload := make([]byte, size)
		if _, err := io.ReadFull(reader, payload); err != nil {
			return
		}
		if sum := sha256d(payload); string(sum[:4]) != string(head[20:24]) {
			continue // nodes ignore what is damaged
		}
		if !p.handle(commandOf(head), payload) {
			return
		}
	}
}

func commandOf(head []byte) string {
	name := head[4:16]
	for len(name) > 0 && name[len(name)-1] == 0 {
		name = name[:len(name)-1]
	}
	return string(name)
}

// versionPayload is what we say about ourselves.
func (n *Node) versionPayload() []byte {
	n.chain.mu.RLock()
	height := n.chain.tip().id.Height
	n.chain.mu.RUnlock()
	b := binary.LittleEndian.AppendUint32(nil, uint32(n.chain.params.Node.ProtocolVersion))
	b = binary.LittleEndian.AppendUint64(b, n.dialect.services)
	b = binary.LittleEndian.AppendUint64(b, uint64(time.Now().Unix()))
	b = append(b, make([]byte, 2*26)...) // addresses: nobody looks
	b = binary.LittleEndian.AppendUint64(b, n.state.serial.Add(1))
	b = appendBytes(b, []byte(n.dialect.subversion))
	b = binary.LittleEndian.AppendUint32(b, uint32(height))
	return append(b, 1)
}

// headersOf returns a headers message: each header with its merge-mining proof,
// where it has one, and a transaction count of zero.
func headersOf(blocks []*block) []byte {
	payload := appendSize(nil, len(blocks))
	for _, b := range blocks {
		payload = append(append(payload, b.raw[:b.body]...), 0)
	}
	return payload
}

// The kinds of inventory.
const (
	invTx      = 1
	invBlock   = 2
	invWTx     = 5
	invWitness = 1 << 30
	invMWEB    = 1 << 29
)

func inventory(kind uint32, hash [coins.HashSize]byte) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte{1}, kind), hash[:]...)
}

func (p *peer) txInventory(entry *poolTx) []byte {
	if p.byWitness.Load() {
		return inventory(invWTx, entry.tx.WitnessID())
	}
	return inventory(invTx, entry.id)
}
