package simnode

import (
	"encoding/binary"

	"coffer.example/coffer/coins"
)

// handle answers one message of a peer, and reports whether to go on with it.
// What is not known is ignored, as nodes do.
func (p *peer) handle(command string, payload []byte) bool {
	if command == "version" {
		return p.greet(payload)
	}
	if !p.greeted.Load() {
		return true
	}
	switch command {
	case "verack":
		p.acknowledged()
	case "wtxidrelay":
		p.byWitness.Store(p.node.dialect.kind != dogecoin14)
	case "sendheaders":
		p.wantsHeaders.Store(true)
	case "ping":
		p.send("pong", payload)
	case "getheaders":
		return p.getHeaders(payload)
	case "getdata":
		return p.getData(payload)
	}
	return true
}

// greet answers a peer's version with ours.
func (p *peer) greet(payload []byte) bool {
	if len(payload) < 85 || p.greeted.Swap(true) {
		return false
	}
	// The relay flag is the last byte, behind the agent and the height.
	agent, rest := int(payload[80]), payload[81:]
	relays := len(rest) < agent+5 || rest[agent+4] != 0
	p.wantsTxs.Store(relays)
	p.send("version", p.node.versionPayload())
	if p.node.dialect.kind != dogecoin14 {
		p.send("wtxidrelay", nil)
		p.send("sendaddrv2", nil)
	}
	p.send("verack", nil)
	return true
}

// acknowledged sends what nodes send first: all of it is for the peer to ignore
// or to answer as it likes.
func (p *peer) acknowledged() {
	if p.ready.Swap(true) {
		return
	}
	p.send("sendheaders", nil)
	p.send("sendcmpct", append([]byte{0, 1}, make([]byte, 7)...))
	p.send("ping", binary.LittleEndian.AppendUint64(nil, p.node.state.serial.Add(1)))
	p.send("feefilter", binary.LittleEndian.AppendUint64(nil, uint64(p.node.dialect.relay)))
}

// takeSize reads a CompactSize of bytes that nobody has checked.
func takeSize(b []byte) (n int, rest []byte, ok bool) {
	if len(b) == 0 || b[0] >= 0xfd && len(b) < 1+2<<(b[0]-0xfd) {
		return 0, nil, false
	}
	n, rest = readSize(b)
	return n, rest, n >= 0
}

// maxHeaders is how many headers a message has at most.
const maxHeaders = 2000

// getHeaders answers a locator: the blocks above the first of its hashes that
// is on the best chain, or above the genesis block. A node that is in initial
// download does not answer, except for the newest.
func (p *peer) getHeaders(payload []byte) bool {
	if len(payload) < 5 {
		return false
	}
	if p.node.state.downloading.Load() && p.node.dialect.kind != core29 {
		return true
	}
	count, hashes, ok := takeSize(payload[4:])
	if !ok || count > 101 || len(hashes) != (count+1)*coins.HashSize {
		return false
	}
	stop := coins.BlockHash(hashes[count*coins.HashSize:])
	c := p.node.chain
	c.mu.RLock()
	var found []*block
	if b, known := c.blocks[stop]; known && count == 0 {
		found = []*block{b}
	} else {
		found = c.above(hashes[:count*coins.HashSize], stop)
	}
	c.mu.RUnlock()
	p.send("headers", headersOf(found))
	return true
}

// above returns the active blocks behind a locator, up to one that is to be
// the last.
func (c *Chain) above(locator []byte, stop coins.BlockHash) (found []*block) {
	next := 1
	for ; len(locator) > 0; locator = locator[coins.HashSize:] {
		b, known := c.blocks[coins.BlockHash(locator[:coins.HashSize])]
		if known && c.isActive(b) {
			next = int(b.id.Height) + 1
			break
		}
	}
	for ; next < len(c.active) && len(found) < maxHeaders; next++ {
		found = append(found, c.active[next])
		if c.active[next].id.Hash == stop {
			break
		}
	}
	return found
}

// maxInventory is how many items a message names at most (Core's MAX_INV_SZ).
const maxInventory = 50_000

// getData sends what is asked for. Of a transaction that is not in the mempool
// it says so; about a block that it doesn't have a node keeps silent.
func (p *peer) getData(payload []byte) bool {
	const item = 4 + coins.HashSize
	count, items, ok := takeSize(payload)
	if !ok || count > maxInventory || len(items) != count*item {
		return false
	}
	var missing []byte
	for ; len(items) > 0; items = items[item:] {
		kind, hash := binary.LittleEndian.Uint32(items), [32]byte(items[4:item])
		switch kind &^ (invWitness | invMWEB) {
		case invBlock:
			if !p.sendBlock(kind, hash) {
				return false
			}
		case invTx, invWTx:
			if !p.sendTx(kind, hash) {
				missing = append(missing, items[:item]...)
			}
		}
	}
	if len(missing) > 0 {
		p.send("notfound", append(appendSize(nil, len(missing)/item), missing...))
	}
	return true
}

// sendBlock sends a block; a peer that asks for a pruned one is dropped.
func (p *peer) sendBlock(kind uint32, hash coins.BlockHash) bool {
	c := p.node.chain
	c.mu.RLock()
	b, known := c.blocks[hash]
	c.mu.RUnlock()
	if !known {
		return true
	}
	parts := byte(0)
	if kind&invWitness != 0 {
		parts |= withWitness
	}
	if kind&invMWEB != 0 {
		parts |= withMWEB
	}
	if p.node.pruned(b) {
		return false
	}
	p.sendMessage(message{command: "block", block: b, parts: parts})
	return true
}

func (p *peer) sendTx(kind uint32, hash [32]byte) bool {
	c := p.node.chain
	c.mu.RLock()
	defer c.mu.RUnlock()
	entry := c.pool.byID[hash]
	if kind == invWTx {
		entry = nil
		for _, other := range c.pool.order {
			if other.tx.WitnessID() == hash {
				entry = other
			}
		}
	}
	if entry == nil {
		return false
	}
	parts := byte(0)
	if kind&invWitness != 0 || kind == invWTx {
		parts |= withWitness
	}
	if kind&invMWEB != 0 || entry.mwebOnly() {
		parts |= withMWEB
	}
	raw := entry.tx.append(nil, parts)
	select {
	case p.queue <- message{command: "tx", payload: raw}:
	default:
		p.end()
	}
	return true
}
