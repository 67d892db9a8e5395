package simnode

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"golang.org/x/crypto/scrypt"

	"coffer.example/coffer/coins"
)

// draft is a block that is being made.
type draft struct {
	chain  *Chain
	parent *block
	view   *view
	rng    *rand.Rand
	txs    []*Tx // without the coinbase
	ids    map[coins.TxID]bool
	fees   coins.Amount
	size   int
	// reward is where the coinbase pays.
	reward  []byte
	time    uint32
	noPool  bool
	pegOuts []Out
}

// mineOn makes and connects one block above the one that the coin set stands
// at.
func (c *Chain) mineOn(parent *block, contents []Content) (*block, error) {
	c.made.items++
	d := &draft{
		chain: c, parent: parent, view: c.newView(parent.id.Height + 1),
		rng: c.rng(parent.id.Hash, c.made.items), reward: c.own, time: c.blockTime(parent),
		ids: make(map[coins.TxID]bool),
	}
	for _, content := range contents {
		if err := content(d); err != nil {
			return nil, fmt.Errorf("block %d: %w", d.view.height, err)
		}
	}
	if !d.noPool && parent == c.tip() {
		d.takePool()
	}
	raw, err := d.assemble()
	if err != nil {
		return nil, err
	}
	b, err := c.load(raw, parent)
	if err != nil {
		return nil, fmt.Errorf("mined: %w", err)
	}
	if err := c.connect(b); err != nil {
		return nil, fmt.Errorf("mined block %s: %w", b.id, err)
	}
	return b, nil
}

// blockTime returns the time of a block upon another: later than it in any case.
func (c *Chain) blockTime(parent *block) uint32 {
	last := parent.header.Time()
	switch {
	case c.config.Now != nil:
		return max(uint32(c.config.Now().Unix()), last+1)
	case parent.parent == nil && !c.config.Start.IsZero():
		return max(uint32(c.config.Start.Unix()), last+1)
	}
	return last + uint32(max(c.params.Chain.Interval.Seconds(), 1))
}

// include adds a transaction to the block.
func (d *draft) include(tx *Tx) error {
	fee, err := d.view.apply(tx)
	if err != nil {
		return fmt.Errorf("transaction %s: %w", tx.ID(), err)
	}
	d.txs = append(d.txs, tx)
	d.ids[tx.ID()] = true
	d.fees += fee
	d.size += len(tx.append(nil, withWitness))
	return nil
}

// poolRoom is how many bytes of transactions a block takes from the mempool.
const poolRoom = 900_000

// takePool adds what waits in the mempool and does not conflict with what the
// block has already.
func (d *draft) takePool() {
	for _, entry := range d.chain.pool.order {
		if entry.mwebOnly() {
			continue
		}
		plain := entry.tx
		if plain.MWEB != nil {
			if d.view.height < d.chain.config.MWEBFrom {
				continue
			}
			plain = &Tx{Version: plain.Version, Ins: plain.Ins, Outs: plain.Outs, LockTime: plain.LockTime}
		}
		if _, err := d.view.check(plain); err == nil && d.size < poolRoom && !d.ids[entry.id] {
			_ = d.include(plain) // it has just been checked
		}
	}
}

// assemble returns the block's bytes.
func (d *draft) assemble() ([]byte, error) {
	extension, err := d.addHogEx()
	if err != nil {
		return nil, err
	}
	txs := append([]*Tx{d.coinbase()}, d.txs...)
	ids := make([][32]byte, len(txs))
	for i, tx := range txs {
		ids[i] = tx.ID()
	}
	root, _ := merkleRoot(ids)
	header, proof, err := d.header(root)
	if err != nil {
		return nil, err
	}
	raw := make([]byte, 0, coins.HeaderSize+len(proof)+d.size+len(extension)+1000)
	raw = append(append(raw, header[:]...), proof...)
	raw = appendSize(raw, len(txs))
	for _, tx := range txs {
		raw = tx.append(raw, withWitness|withMWEB)
	}
	return append(raw, extension...), nil
}

// coinbase returns the first transaction: the height (BIP 34), bytes that make
// it unique, the reward and the witness commitment (BIP 141; Dogecoin's miner
// writes one too).
func (d *draft) coinbase() *Tx {
	c := d.chain
	script := appendPushes(heightPush(d.view.height), binary.BigEndian.AppendUint64(nil, c.made.items), randomBytes(d.rng, 8))
	tx := &Tx{
		Version: c.rules.txData,
		Ins:     []In{{Prev: coinbasePrev(), Script: script, Sequence: finalSequence}},
		Outs: []Out{
			{Value: c.rules.subsidy(d.view.height) + d.fees, Script: d.reward},
			{Script: d.commitment()},
		},
	}
	if c.params.Format.Segwit {
		tx.Ins[0].Witness = [][]byte{make([]byte, 32)}
	}
	return tx
}

// commitment returns the script that commits to the witnesses' merkle root and
// the reserved value, which is zeros.
func (d *draft) commitment() []byte {
	ids := make([][32]byte, 1, 1+len(d.txs)) // the coinbase counts as zeros
	for _, tx := range d.txs {
		ids = append(ids, tx.WitnessID())
	}
	root, _ := merkleRoot(ids)
	hash := sha256d(append(root[:], make([]byte, 32)...))
	return append([]byte{opReturn, 36, 0xaa, 0x21, 0xa9, 0xed}, hash[:]...)
}

// heightPush returns the shortest push of a height, as nodes demand it.
func heightPush(h coins.Height) []byte {
	if h <= 16 {
		return []byte{opTrue - 1 + byte(h)}
	}
	var number []byte
	for rest := h; rest > 0; rest >>= 8 {
		number = append(number, byte(rest))
	}
	if number[len(number)-1]&0x80 != 0 {
		number = append(number, 0)
	}
	return append([]byte{byte(len(number))}, number...)
}

// header returns the ground header and, where the block is merge-mined, its
// proof, which then carries the work.
func (d *draft) header(root [32]byte) (header coins.RawHeader, proof []byte, err error) {
	c := d.chain
	version := c.rules.version
	merged := c.params.Format.AuxPoW && d.view.height >= c.params.Chain.AuxPoWFrom && d.rng.IntN(100) < c.rules.shareAux
	if merged {
		version |= 0x100
	}
	header = makeHeader(version, d.parent.id.Hash, root, d.time)
	if !merged {
		return header, nil, c.grind(&header)
	}
	proof, err = d.auxProof(header.Hash())
	return header, proof, err
}

func makeHeader(version int32, prev coins.BlockHash, root [32]byte, time uint32) (h coins.RawHeader) {
	binary.LittleEndian.PutUint32(h[0:], uint32(version))
	copy(h[4:], prev[:])
	copy(h[36:], root[:])
	binary.LittleEndian.PutUint32(h[68:], time)
	binary.LittleEndian.PutUint32(h[72:], regtestBits)
	return h
}

// grind counts the nonce up until the header's hash meets regtest's target:
// its highest bit is 0.
func (c *Chain) grind(h *coins.RawHeader) error {
	for nonce := uint32(0); ; nonce++ {
		binary.LittleEndian.PutUint32(h[76:], nonce)
		work := [32]byte(h.Hash())
		if c.config.TrueWork && c.rules.scrypt {
			key, err := scrypt.Key(h[:], h[:], 1024, 1, 1, 32)
			if err != nil {
				return fmt.Errorf("grind header: %w", err)
			}
			work = [32]byte(key)
		}
		if work[31] < 0x7f {
			return nil
		}
	}
}
