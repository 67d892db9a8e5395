package coins

import (
	"encoding/hex"
	"errors"
	"testing"
)

// TestProofOfRegtestMiner reads the proof of block 131 of a Dogecoin Core
// regtest chain: its parent coinbase has no output.
func TestProofOfRegtestMiner(t *testing.T) {
	const zeros = "0000000000000000000000000000000000000000000000000000000000000000"
	raw, err := hex.DecodeString("01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff2c" +
		"fabe6d6d27ab12e9ba15bfbe0a9e6e1dbff7df6bf63e1eb3b91e439224ca0ac4c1d3f4aa0100000000000000ffffffff0000000000" +
		"899635e3a2d499d6103ad867fe5189d8c6beb6d15f4eb31881c3b3ba151577d0" + "0000000000" + "0000000000" +
		"01000000" + zeros + "2b2341a51949ed7afc7cba3a6c4e3f8b4212bbe32504b9d8d8dcc3a41336579e" + "000000000000000004000000")
	if err != nil {
		t.Fatal(err)
	}
	proof, err := ParseProof(raw)
	if err != nil || proof.Size != len(raw) {
		t.Fatal(proof.Size, err)
	}
	id, err := ParseBlockHash("27ab12e9ba15bfbe0a9e6e1dbff7df6bf63e1eb3b91e439224ca0ac4c1d3f4aa")
	if err != nil {
		t.Fatal(err)
	}
	if err := proof.Check(id); err != nil {
		t.Fatal(err)
	}
	id[0] ^= 1
	if err := proof.Check(id); !errors.Is(err, ErrProof) {
		t.Fatal(err)
	}
	var l Layout
	if err := (Format{MaxBlock: 1000}).WalkTx(proof.Coinbase, &l); !errors.Is(err, ErrMalformed) {
		t.Fatal("outside of a proof a transaction without outputs is malformed, got", err)
	}
}
