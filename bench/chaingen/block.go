package chaingen

import (
	"encoding/binary"

	"golang.org/x/crypto/scrypt"
)

const (
	headerSize   = 80
	blockVersion = 0x20000000
	regtestBits  = 0x207fffff
	nonceAt      = 76      // offset in the header
	commitment   = 38      // bytes of the witness commitment's script
	expectedSize = 1 << 21 // of a block's body, so that growing it seldom copies
)

// builder puts one block together. The coinbase comes last, because it commits to the witness of all others.
type builder struct {
	params   Params
	time     uint32
	body     []byte // the transactions after the coinbase
	coinbase []byte
	txids    [][32]byte // the coinbase's is first
	wtxids   [][32]byte
	stats    Block
}

func newBuilder(height int, p Params) *builder {
	b := &builder{
		params: p, time: p.Time + uint32(height)*blockSpacing,
		txids: make([][32]byte, 1, p.Txs+1), wtxids: make([][32]byte, 1, p.Txs+1),
	}
	b.stats.Txs = 1
	if height > WarmUp {
		b.body = make([]byte, 0, expectedSize)
	}
	return b
}

// addTx appends a transaction, given without its witness, and returns its id. No witness means the old serialization.
func (b *builder) addTx(stripped, witness []byte) [32]byte {
	txid := doubleSHA256(stripped)
	wtxid := txid
	at := len(b.body)
	if witness == nil {
		b.body = append(b.body, stripped...)
	} else {
		b.body = appendSegwit(b.body, stripped, witness)
		wtxid = doubleSHA256(b.body[at:])
	}
	b.txids = append(b.txids, txid)
	b.wtxids = append(b.wtxids, wtxid)
	b.stats.Txs++
	return txid
}

// appendSegwit appends the BIP144 serialization: marker and flag after the version, witness before the lock time.
func appendSegwit(b, stripped, witness []byte) []byte {
	end := len(stripped) - 4
	b = append(b, stripped[:4]...)
	b = append(b, 0x00, 0x01)
	b = append(b, stripped[4:end]...)
	b = append(b, witness...)
	return append(b, stripped[end:]...)
}

// coinbase makes the block's first transaction and returns the coins in it. It claims the subsidy only; in the funding
// blocks it is split.
func (g *Generator) coinbase(b *builder) []coin {
	subsidy := int64(initialSubsidy) >> (g.height / halving)
	count := 1
	if g.height <= fundingBlocks {
		count = fundingOutputs
	}
	t := binary.LittleEndian.AppendUint32(nil, txVersion)
	t = append(t, 1)
	t = append(t, make([]byte, 32)...)
	t = binary.LittleEndian.AppendUint32(t, 0xffffffff)
	script := heightScript(g.height, g.params.Seed)
	t = append(append(t, byte(len(script))), script...)
	t = binary.LittleEndian.AppendUint32(t, 0xffffffff)
	t = appendVarInt(t, uint64(count+1))
	coins := make([]coin, count)
	for i := range coins {
		o := g.openOutput()
		coins[i] = coin{index: uint32(i), value: subsidy / int64(count), nonce: o.nonce, kind: o.kind}
		t = appendOutput(t, coins[i].value, &o)
	}
	t = b.appendCommitment(t)
	t = binary.LittleEndian.AppendUint32(t, 0)
	b.stats.Outputs += count + 1
	b.txids[0] = doubleSHA256(t)
	reserved := append([]byte{1, 32}, make([]byte, 32)...)
	b.coinbase = appendSegwit(nil, t, reserved)
	for i := range coins {
		coins[i].tx = b.txids[0]
	}
	return coins
}

// appendCommitment appends BIP141's output. The witness root counts the coinbase's own wtxid as zero.
func (b *builder) appendCommitment(t []byte) []byte {
	root := merkleRoot(b.wtxids)
	sum := doubleSHA256(append(root[:], make([]byte, 32)...))
	t = binary.LittleEndian.AppendUint64(t, 0)
	t = append(t, commitment, 0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed)
	return append(t, sum[:]...)
}

// heightScript is the coinbase's script: the height as BIP34 wants it, then the chain's seed.
func heightScript(height int, seed uint64) []byte {
	var s []byte
	if height <= 16 {
		s = append(s, byte(0x50+height))
	} else {
		number := binary.LittleEndian.AppendUint64(nil, uint64(height))
		size := 1
		for height>>(8*size-1) != 0 { // the highest bit is the sign
			size++
		}
		s = append(append(s, byte(size)), number[:size]...)
	}
	return binary.LittleEndian.AppendUint64(append(s, 8), seed)
}

// finish makes the header, finds its proof of work and returns the raw block and its hash.
func (b *builder) finish(previous [32]byte) ([]byte, [32]byte) {
	header := binary.LittleEndian.AppendUint32(make([]byte, 0, headerSize), blockVersion)
	header = append(header, previous[:]...)
	root := merkleRoot(b.txids)
	header = append(header, root[:]...)
	header = binary.LittleEndian.AppendUint32(header, b.time)
	header = binary.LittleEndian.AppendUint32(header, regtestBits)
	header = binary.LittleEndian.AppendUint32(header, 0)
	for nonce := uint32(0); !b.proves(header); nonce++ {
		binary.LittleEndian.PutUint32(header[nonceAt:], nonce)
	}
	raw := make([]byte, 0, headerSize+9+len(b.coinbase)+len(b.body))
	raw = append(raw, header...)
	raw = appendVarInt(raw, uint64(len(b.txids)))
	raw = append(raw, b.coinbase...)
	raw = append(raw, b.body...)
	return raw, doubleSHA256(header)
}

// proves reports whether the header meets regtest's target, 7fffff00…: a little stricter, its first byte is below 7f.
func (b *builder) proves(header []byte) bool {
	if b.params.Work == SHA256d {
		h := doubleSHA256(header)
		return h[31] < 0x7f
	}
	h, err := scrypt.Key(header, header, 1024, 1, 1, 32)
	assertThat(err == nil, "scrypt takes its constants")
	return h[31] < 0x7f
}

// merkleRoot is Bitcoin's: an odd node is paired with itself. The hashes are left as they are.
func merkleRoot(leaves [][32]byte) [32]byte {
	level := append([][32]byte(nil), leaves...)
	var pair [64]byte
	for len(level) > 1 {
		for i := 0; i < len(level); i += 2 {
			copy(pair[:32], level[i][:])
			copy(pair[32:], level[min(i+1, len(level)-1)][:])
			level[i/2] = doubleSHA256(pair[:])
		}
		level = level[:(len(level)+1)/2]
	}
	return level[0]
}
