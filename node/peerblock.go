package node

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"coffer.example/coffer/coins"
)

// block asks for one block and has the reader put it into buf. Calls at once
// are what fills the pipe: up to Options.InFlight are on their way together.
//
// Behind each request goes a ping. Nodes answer in order, and say nothing at
// all about a block that they do not have: when the pong comes and the block
// has not, they do not have it.
func (p *peer) block(ctx context.Context, id coins.BlockID, buf []byte) ([]byte, error) {
	if err := p.slots.take(ctx); err != nil {
		return buf, err
	}
	defer p.slots.give()
	r := &blockRequest{hash: id.Hash, buf: buf[:0], done: make(chan struct{})}
	if err := p.send(r); err != nil {
		return buf, fmt.Errorf("peer protocol: %w", err)
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		return p.abandon(r, ctx.Err())
	}
	if r.err != nil {
		return r.buf, fmt.Errorf("peer protocol: %w", r.err)
	}
	return r.buf, nil
}

// send enters the request and writes it. Both happen under one lock: fences
// rise in the order in which requests are written.
func (p *peer) send(r *blockRequest) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	w := &p.waiting
	w.mu.Lock()
	if w.err != nil {
		w.mu.Unlock()
		return w.err
	}
	w.fence++
	r.fence = w.fence
	w.requests = append(w.requests, r)
	if len(w.requests) == 1 {
		p.armLocked()
	}
	w.mu.Unlock()
	message := getBlock(nil, p.params, r.hash)
	if err := p.write(ping(message, p.params.Chain.Magic, r.fence)); err != nil {
		p.conn.Close() // half a message may be out; the reader fails all who wait
		<-r.done
		return err
	}
	return nil
}

// abandon gives the buffer back to a caller whose context ended. If the peer
// is just filling it, that ends first, or the connection does.
func (p *peer) abandon(r *blockRequest, cause error) ([]byte, error) {
	w := &p.waiting
	w.mu.Lock()
	at := slices.Index(w.requests, r)
	if at >= 0 && !r.claimed {
		w.requests = slices.Delete(w.requests, at, at+1)
		w.mu.Unlock()
		return r.buf, cause
	}
	w.mu.Unlock()
	grace := time.NewTimer(cancelGrace)
	defer grace.Stop()
	select {
	case <-r.done:
	case <-grace.C:
		p.conn.Close()
		<-r.done
	}
	return r.buf, cause
}

// blockMessage reads a block straight into the buffer of who waits for it.
// Whose it is, its header says. The payload's checksum is not computed: the
// block's own hashes are verified by whoever uses it.
func (p *peer) blockMessage(f frame) error {
	var header coins.RawHeader
	if f.length < minBlock {
		return fmt.Errorf("block of %d bytes: %w", f.length, ErrGarbage)
	}
	if _, err := io.ReadFull(p.in, header[:]); err != nil {
		return connError(err)
	}
	r := p.claim(header.Hash())
	if r == nil { // its caller has left
		_, err := p.in.Discard(f.length - coins.HeaderSize)
		p.rearmIdle()
		return connError(err)
	}
	if f.length > p.params.Format.MaxBlock {
		err := fmt.Errorf("block of %d bytes, limit %d: %w", f.length, p.params.Format.MaxBlock, ErrTooLarge)
		p.finish(r, err)
		return err
	}
	r.buf = slices.Grow(r.buf, f.length)[:f.length]
	copy(r.buf, header[:])
	_, err := io.ReadFull(p.in, r.buf[coins.HeaderSize:])
	err = connError(err)
	p.finish(r, err)
	return err
}

// claim finds who waits for a block and makes its buffer the reader's.
func (p *peer) claim(hash coins.BlockHash) *blockRequest {
	p.waiting.mu.Lock()
	defer p.waiting.mu.Unlock()
	for _, r := range p.waiting.requests {
		if r.hash == hash && !r.claimed {
			r.claimed = true
			return r
		}
	}
	return nil
}

// finish gives a claimed buffer back to its caller.
func (p *peer) finish(r *blockRequest, err error) {
	p.waiting.mu.Lock()
	defer p.waiting.mu.Unlock()
	r.err = err
	p.endLocked(func(other *blockRequest) bool { return other == r })
}

// passed fails the requests that the peer has gone past without an answer.
func (p *peer) passed(fence uint64) {
	p.waiting.mu.Lock()
	defer p.waiting.mu.Unlock()
	p.endLocked(func(r *blockRequest) bool {
		if r.fence > fence {
			return false
		}
		r.err = fmt.Errorf("block %s: %w", r.hash, ErrNotFound)
		return true
	})
}

// notFound fails the requests that the peer names.
func (p *peer) notFound(payload []byte) error {
	entries, err := parseInventory(payload)
	if err != nil {
		return err
	}
	p.waiting.mu.Lock()
	defer p.waiting.mu.Unlock()
	for _, e := range entries {
		p.endLocked(func(r *blockRequest) bool {
			if e.kind != invBlock || r.hash != coins.BlockHash(e.hash) {
				return false
			}
			r.err = fmt.Errorf("block %s: %w", r.hash, ErrNotFound)
			return true
		})
	}
	return nil
}

// endLocked wakes the callers of the requests that match and forgets them.
func (p *peer) endLocked(match func(*blockRequest) bool) {
	before := len(p.waiting.requests)
	p.waiting.requests = slices.DeleteFunc(p.waiting.requests, func(r *blockRequest) bool {
		if !match(r) {
			return false
		}
		close(r.done)
		return true
	})
	if len(p.waiting.requests) < before {
		p.armLocked()
	}
}
