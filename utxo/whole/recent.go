package whole

import "coffer.example/coffer/coins"

// recent holds the newest blocks' transactions in memory: most inputs spend a
// coin that is not old. Every block that is not stored yet is in it.
type recent struct {
	blocks []*recentBlock
	// at finds a transaction by eight bytes of its id; what it finds is compared
	// with the whole id. same has those of which the eight bytes are another's.
	at   map[uint64]txNum
	same map[coins.TxID]txNum
	txs  int
}

type recentBlock struct {
	height coins.Height
	ids    []coins.TxID
	// first is each transaction's first output among outs.
	first []uint32
	outs  []recentOut
}

// recentOut is an output, 24 bytes; coin says that it can be spent.
type recentOut struct {
	hi    uint64
	value coins.Amount
	lo    uint32
	flags eventFlags
	coin  bool
}

func (o *recentOut) key() scriptKey { return scriptKey{o.hi, o.lo} }

func newRecent() *recent { return &recent{at: map[uint64]txNum{}, same: map[coins.TxID]txNum{}} }

// begin adds a block without transactions.
func (c *recent) begin(height coins.Height, txs, outs int) *recentBlock {
	b := &recentBlock{height: height, ids: make([]coins.TxID, 0, txs), first: make([]uint32, 0, txs+1), outs: make([]recentOut, 0, outs)}
	c.blocks = append(c.blocks, b)
	return b
}

// add adds the newest block's next transaction, whose outputs follow.
func (c *recent) add(b *recentBlock, id coins.TxID) {
	num := numberOf(b.height, uint32(len(b.ids)))
	b.ids, b.first = append(b.ids, id), append(b.first, uint32(len(b.outs)))
	c.txs++
	prefix := prefixOf(id)
	if other, taken := c.at[prefix]; taken && c.id(other) != id {
		c.same[id] = num
		return
	}
	c.at[prefix] = num
}

func (c *recent) block(height coins.Height) *recentBlock {
	return c.blocks[height-c.blocks[0].height]
}

func (c *recent) id(num txNum) coins.TxID { return c.block(num.height()).ids[num.place()] }

// find returns the last transaction with an id among the recent ones.
func (c *recent) find(id coins.TxID) (txNum, bool) {
	if num, found := c.at[prefixOf(id)]; found && c.id(num) == id {
		return num, true
	}
	if len(c.same) == 0 {
		return 0, false
	}
	num, found := c.same[id]
	return num, found
}

// output returns an output of a transaction that find has found.
func (c *recent) output(ref coinRef) (recentOut, bool) {
	b, place := c.block(ref.num.height()), ref.num.place()
	end := uint32(len(b.outs))
	if int(place)+1 < len(b.first) {
		end = b.first[place+1]
	}
	n := uint64(b.first[place]) + uint64(ref.vout)
	if n >= uint64(end) {
		return recentOut{}, false
	}
	return b.outs[n], b.outs[n].coin
}

// forget takes a block's transactions out of the maps.
func (c *recent) forget(b *recentBlock) {
	for place, id := range b.ids {
		num := numberOf(b.height, uint32(place))
		if c.at[prefixOf(id)] == num {
			delete(c.at, prefixOf(id))
		}
		if len(c.same) > 0 && c.same[id] == num {
			delete(c.same, id)
		}
	}
	c.txs -= len(b.ids)
}

// pop drops blocks from a height on.
func (c *recent) pop(from coins.Height) {
	for n := len(c.blocks); n > 0 && c.blocks[n-1].height >= from; n-- {
		c.forget(c.blocks[n-1])
		c.blocks = c.blocks[:n-1]
	}
}

// shrink drops the oldest blocks until at most limit transactions are left, or
// those from a height on, which are not stored yet.
func (c *recent) shrink(limit int, keep coins.Height) {
	n := 0
	for n < len(c.blocks) && c.txs > limit && c.blocks[n].height < keep {
		c.forget(c.blocks[n])
		n++
	}
	clear(c.blocks[:n])
	c.blocks = c.blocks[n:]
}
