package node

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"coffer.example/coffer/coins"
)

// peerEvents are what a peer connection tells its owner.
type peerEvents struct {
	hint func(Hint)
	lost func(error) // the connection ended by itself
}

// peer is one connection of the peer protocol with its handshake done. One
// goroutine reads; callers write.
type peer struct {
	params *coins.Params
	conn   net.Conn
	in     *bufio.Reader
	events peerEvents
	stall  time.Duration // from one block's end to the next one's
	idle   time.Duration // of silence before it is pinged
	slots  slots
	theirs string // the peer's name for itself

	writing sync.Mutex
	waiting waiting
}

// waiting are the blocks asked for and not here yet.
type waiting struct {
	mu       sync.Mutex
	requests []*blockRequest
	fence    uint64 // number of the last request, and of the ping behind it
	err      error  // why the connection ended

	deadline time.Time // by which the peer has to have sent something
	pinged   bool      // it was silent and has been pinged
}

// blockRequest is one caller of block. Its buffer belongs to the reader while
// it is claimed.
type blockRequest struct {
	hash    coins.BlockHash
	fence   uint64
	buf     []byte
	err     error
	claimed bool
	done    chan struct{}
}

// agent is how nodes see us in getpeerinfo.
const agent = "/coffer:0.1/"

// maxHandshake bounds the messages before the handshake is done.
const maxHandshake = 100

// dialPeer connects and shakes hands; read is to be started by the caller. ctx
// bounds the dialling only.
func dialPeer(ctx context.Context, params *coins.Params, o *Options, events peerEvents) (*peer, error) {
	ctx, cancel := context.WithTimeout(ctx, o.DialTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", o.P2P)
	if err != nil {
		return nil, fmt.Errorf("peer protocol: %w (%w)", ErrUnreachable, err)
	}
	p := &peer{
		params: params, conn: conn, in: bufio.NewReaderSize(conn, 64<<10), events: events,
		stall: o.BlockTimeout, idle: idleTimeout, slots: make(slots, o.InFlight),
	}
	unhook := context.AfterFunc(ctx, func() { conn.Close() })
	err = p.handshake(len(o.ZMQ) == 0)
	if !unhook() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		if ctx.Err() != nil {
			err = fmt.Errorf("handshake not done within %s: %w", o.DialTimeout, ErrTimeout)
		}
		return nil, fmt.Errorf("peer protocol: %w", err)
	}
	return p, nil
}

// handshake exchanges versions and asks for announcements by headers.
func (p *peer) handshake(relay bool) error {
	magic := p.params.Chain.Magic
	var nonce [8]byte
	rand.Read(nonce[:])
	ours := versionMessage{
		protocol: p.params.Node.ProtocolVersion, time: time.Now().Unix(),
		nonce: binary.LittleEndian.Uint64(nonce[:]), agent: agent, relay: relay,
	}
	if err := p.write(appendFrame(nil, magic, "version", ours.append(nil))); err != nil {
		return err
	}
	versioned, accepted := false, false
	for range maxHandshake {
		if versioned && accepted {
			return p.write(appendFrame(nil, magic, "sendheaders", nil))
		}
		f, err := p.head()
		if err != nil {
			return err
		}
		payload, err := p.payload(f)
		if err != nil {
			return err
		}
		switch f.command {
		case "version":
			if p.theirs, err = parseVersion(payload); err != nil {
				return err
			}
			versioned = true
			err = p.write(appendFrame(nil, magic, "verack", nil))
		case "verack":
			accepted = true
		case "ping":
			err = p.write(appendFrame(nil, magic, "pong", payload))
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("no handshake within %d messages: %w", maxHandshake, ErrGarbage)
}

// write sends whole messages. Its deadline ends a connection on which nothing
// is taken any more.
func (p *peer) write(b []byte) error {
	if err := p.conn.SetWriteDeadline(time.Now().Add(p.stall)); err != nil {
		return connError(err)
	}
	_, err := p.conn.Write(b)
	return connError(err)
}

// connError names the end of a connection.
func connError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrTimeout
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ErrCutShort
	case errors.Is(err, net.ErrClosed):
		return fmt.Errorf("%w (connection closed)", ErrUnreachable)
	}
	return fmt.Errorf("%w (%w)", ErrUnreachable, err)
}

// head reads the head of the next message.
func (p *peer) head() (frame, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(p.in, head[:]); err != nil {
		return frame{}, connError(err)
	}
	return parseFrame(head[:], p.params.Chain.Magic)
}

// payload reads a message that is not a block and checks its sum.
func (p *peer) payload(f frame) ([]byte, error) {
	if f.length > maxSmallFrame {
		return nil, fmt.Errorf("message %q of %d bytes: %w", f.command, f.length, ErrTooLarge)
	}
	payload := make([]byte, f.length)
	if _, err := io.ReadFull(p.in, payload); err != nil {
		return nil, connError(err)
	}
	if checksum(payload) != f.checksum {
		return nil, fmt.Errorf("message %q: checksum: %w", f.command, ErrGarbage)
	}
	return payload, nil
}

// read takes messages until the connection ends, then fails who still waits.
func (p *peer) read() {
	err := p.messages()
	p.conn.Close()
	p.waiting.mu.Lock()
	p.waiting.err = err
	for _, r := range p.waiting.requests {
		r.err = err
		close(r.done)
	}
	p.waiting.requests = nil
	p.waiting.mu.Unlock()
	p.events.lost(err)
}

func (p *peer) messages() error {
	p.arm()
	for {
		if err := p.await(); err != nil {
			return err
		}
		f, err := p.head()
		if err == nil {
			err = p.handle(f)
		}
		if err != nil {
			return err
		}
	}
}

// arm sets the time by which the peer has to have sent something: the next
// block where one is awaited, else a sign of life.
func (p *peer) arm() {
	p.waiting.mu.Lock()
	defer p.waiting.mu.Unlock()
	p.armLocked()
}

func (p *peer) armLocked() {
	limit := p.idle
	if len(p.waiting.requests) > 0 {
		limit = p.stall
	}
	p.waiting.pinged = false
	p.deadlineLocked(limit)
}

func (p *peer) deadlineLocked(limit time.Duration) {
	p.waiting.deadline = time.Now().Add(limit)
	_ = p.conn.SetReadDeadline(p.waiting.deadline) // a closed connection says so at the next read
}

// await waits for the next message. A peer that has nothing to send is pinged
// once before it counts as gone.
func (p *peer) await() error {
	for {
		_, err := p.in.Peek(1)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return connError(err)
		}
		fence, ask, err := p.silent()
		if err != nil {
			return err
		}
		if !ask {
			continue
		}
		p.writing.Lock()
		err = p.write(ping(nil, p.params.Chain.Magic, fence))
		p.writing.Unlock()
		if err != nil {
			return err
		}
	}
}

// silent decides what a passed deadline means: nothing when it has been moved
// meanwhile, a ping when no block is awaited, else the end.
func (p *peer) silent() (fence uint64, ask bool, err error) {
	p.waiting.mu.Lock()
	defer p.waiting.mu.Unlock()
	switch {
	case time.Now().Before(p.waiting.deadline):
		return 0, false, nil
	case len(p.waiting.requests) > 0 || p.waiting.pinged:
		return 0, false, ErrTimeout
	}
	p.waiting.pinged = true
	p.deadlineLocked(p.stall)
	return p.waiting.fence, true, nil
}

// handle takes one message.
func (p *peer) handle(f frame) error {
	switch f.command {
	case "block":
		return p.blockMessage(f)
	case "ping", "pong", "inv", "notfound":
	case "headers":
		p.events.hint(Hint{Kind: HintBlock})
		fallthrough
	default:
		_, err := p.in.Discard(f.length)
		p.rearmIdle()
		return connError(err)
	}
	payload, err := p.payload(f)
	if err != nil {
		return err
	}
	switch f.command {
	case "ping":
		p.writing.Lock()
		err = p.write(appendFrame(nil, p.params.Chain.Magic, "pong", payload))
		p.writing.Unlock()
	case "pong":
		if len(payload) == 8 {
			p.passed(binary.LittleEndian.Uint64(payload))
		}
	case "inv":
		err = p.announced(payload)
	case "notfound":
		err = p.notFound(payload)
	}
	p.rearmIdle()
	return err
}

// rearmIdle lets any message count as a sign of life, but only a block as an
// answer to those who wait for one.
func (p *peer) rearmIdle() {
	p.waiting.mu.Lock()
	defer p.waiting.mu.Unlock()
	if len(p.waiting.requests) == 0 {
		p.armLocked()
	}
}

// announced turns an inventory into hints.
func (p *peer) announced(payload []byte) error {
	entries, err := parseInventory(payload)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch e.kind {
		case invBlock:
			p.events.hint(Hint{Kind: HintBlock})
		case invTx:
			p.events.hint(Hint{Kind: HintTx})
		}
	}
	return nil
}
