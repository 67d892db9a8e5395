package simnode

import "coffer.example/coffer/coins"

// eventKind says what happened to a chain.
type eventKind uint8

const (
	blockGone  eventKind = iota // disconnected from the best chain
	blockAdded                  // connected to it
	newTip                      // the last of a row of changes
	txAdded                     // to the mempool
	txGone                      // from the mempool, not into a block
)

// event is what listeners are told.
type event struct {
	kind     eventKind
	block    *block
	fresh    []*block // of newTip: the blocks connected, lowest first
	tx       *poolTx
	sequence uint64 // of the mempool, after the change
}

// feed hands events to listeners. They are called with the chain locked, so
// they may not wait for anything nor call the chain.
type feed struct {
	listeners map[uint64]func(event)
	next      uint64
}

func (f *feed) send(e event) {
	for _, listener := range f.listeners {
		listener(e)
	}
}

// listen calls a function for every event until the returned one is called.
func (c *Chain) listen(listener func(event)) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.feed.listeners == nil {
		c.feed.listeners = make(map[uint64]func(event))
	}
	id := c.feed.next
	c.feed.next++
	c.feed.listeners[id] = listener
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.feed.listeners, id)
	}
}

// Watch calls a function with the tip whenever it has changed, until stop is
// called. The function may not wait for anything nor call the chain.
func (c *Chain) Watch(changed func(tip coins.BlockID)) (stop func()) {
	return c.listen(func(e event) {
		if e.kind == newTip {
			changed(e.block.id)
		}
	})
}
