package coins_test

import (
	"encoding/binary"
	"math/big"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"pgregory.net/rapid"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
)

func withBits(bits uint32) *coins.RawHeader {
	var h coins.RawHeader
	binary.LittleEndian.PutUint32(h[72:], bits)
	return &h
}

// TestWorkAgainstBtcd compares where Bitcoin Core has a target; btcd does not
// refuse one of more than 256 bits, nodes do.
func TestWorkAgainstBtcd(t *testing.T) {
	limit := new(big.Int).Lsh(big.NewInt(1), 256)
	check := func(bits uint32) (got, want *big.Int) {
		want = blockchain.CalcWork(bits)
		if blockchain.CompactToBig(bits).Cmp(limit) >= 0 {
			want = new(big.Int)
		}
		return withBits(bits).Work(), want
	}
	for _, bits := range []uint32{0, 0x1d00ffff, 0x207fffff, 0x1e0ffff0, 0x1b0404cb, 0x01003456, 0x01123456, 0x02123456, 0x03123456,
		0x04123456, 0x04923456, 0x05009234, 0x20ffffff, 0x21010000, 0x2100ffff, 0x22000101, 0x220000ff, 0x23000001, 0xff123456, 0x01800000, 0x1d000000} {
		if got, want := check(bits); got.Cmp(want) != 0 {
			t.Errorf("bits %08x: work %s, want %s", bits, got, want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		bits := rapid.Uint32().Draw(rt, "bits")&0x00ffffff | rapid.Uint32Range(0, 0x24).Draw(rt, "exponent")<<24
		if got, want := check(bits); got.Cmp(want) != 0 {
			rt.Fatalf("bits %08x: work %s, want %s", bits, got, want)
		}
	})
}

func TestMeetsTarget(t *testing.T) {
	for _, network := range []coins.Network{coins.Main, coins.Test, coins.Testnet4, coins.Signet, coins.Regtest} {
		c, err := btc.New(network)
		if err != nil {
			t.Fatal(err)
		}
		header := c.Params().Chain.GenesisHeader
		if !header.MeetsTarget() {
			t.Errorf("%s: the genesis block has no proof of work", network)
		}
		if network == coins.Regtest {
			continue
		}
		header[79] ^= 1
		if header.MeetsTarget() {
			t.Errorf("%s: another nonce has proof of work too", network)
		}
	}
	if withBits(0).MeetsTarget() || withBits(0x01800000).MeetsTarget() {
		t.Error("a target that consensus refuses is met")
	}
}

func TestHeaderFields(t *testing.T) {
	c, err := btc.New(coins.Main)
	if err != nil {
		t.Fatal(err)
	}
	h := c.Params().Chain.GenesisHeader
	if h.Version() != 1 || h.Time() != 1231006505 || h.Bits() != 0x1d00ffff || h.HasProof() || coins.TxID(h.MerkleRoot()).String() != genesisTx {
		t.Errorf("%x read wrongly", h)
	}
	binary.LittleEndian.PutUint32(h[:], 0x00620104)
	if !h.HasProof() || h.Version() != 0x00620104 {
		t.Errorf("version %08x has no proof", h.Version())
	}
}
