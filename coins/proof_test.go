package coins_test

import (
	"bytes"
	"errors"
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/doge"
)

// proofs returns every merge-mining proof at hand, as it stands behind its
// header, with the hash it commits to.
func proofs(tb testing.TB) (found []rawBlock) {
	tb.Helper()
	blocks := recorded(tb, dogeChain)
	for _, b := range blocks {
		header := coins.RawHeader(b.raw[:coins.HeaderSize])
		if header.HasProof() {
			found = append(found, b)
		}
	}
	return found
}

func TestProof(t *testing.T) {
	for _, b := range proofs(t) {
		proof, err := coins.ParseProof(b.raw[coins.HeaderSize:])
		if err != nil {
			t.Fatalf("%s: %v", b.name, err)
		}
		hash := b.id().Hash
		if err := proof.Check(hash); err != nil {
			t.Errorf("%s: %v", b.name, err)
		}
		if len(proof.Branch)%coins.HashSize != 0 || len(proof.ChainBranch)%coins.HashSize != 0 {
			t.Errorf("%s: branches of %d and %d bytes", b.name, len(proof.Branch), len(proof.ChainBranch))
		}
		hash[0]++
		if err := proof.Check(hash); !errors.Is(err, coins.ErrProof) {
			t.Errorf("%s commits to another block too: %v", b.name, err)
		}
	}
}

// TestProofFields breaks each part that a proof is made of.
func TestProofFields(t *testing.T) {
	b := proofs(t)[0]
	good, err := coins.ParseProof(b.raw[coins.HeaderSize:])
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*coins.Proof){
		"coinbase's id":      func(p *coins.Proof) { p.CoinbaseID[5] ^= 1 },
		"coinbase's place":   func(p *coins.Proof) { p.Index = 1 },
		"a branch":           func(p *coins.Proof) { p.Branch = append(bytes.Clone(p.Branch), make([]byte, 32)...) },
		"the chain branch":   func(p *coins.Proof) { p.ChainBranch = append(bytes.Clone(p.ChainBranch), make([]byte, 32)...) },
		"the parent's root":  func(p *coins.Proof) { p.Parent[40] ^= 1 },
		"the coinbase's end": func(p *coins.Proof) { p.Coinbase = p.Coinbase[:20] },
	} {
		changed := good
		change(&changed)
		if err := changed.Check(b.id().Hash); !errors.Is(err, coins.ErrProof) {
			t.Errorf("with another %s the proof still holds: %v", name, err)
		}
	}
}

func TestProofHostile(t *testing.T) {
	good := proofs(t)[0].raw[coins.HeaderSize:]
	proof, err := coins.ParseProof(good)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range proof.Size {
		if _, err := coins.ParseProof(good[:cut:cut]); !known(err) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	// A branch longer than any tree is refused before it is read.
	long := append(bytes.Clone(proof.Coinbase), make([]byte, coins.HashSize)...)
	long = append(append(long, 65), make([]byte, 65*coins.HashSize+200)...)
	if _, err := coins.ParseProof(long); !errors.Is(err, coins.ErrMalformed) {
		t.Errorf("branch of 65 hashes: %v, want %v", err, coins.ErrMalformed)
	}
}

// TestProofWithoutOutputs reads the proofs that Dogecoin's regtest miner makes:
// their coinbase has no output, which nothing but a proof may hold.
func TestProofWithoutOutputs(t *testing.T) {
	proof, err := coins.ParseProof(proofs(t)[0].raw[coins.HeaderSize:])
	if err != nil {
		t.Fatal(err)
	}
	var l coins.Layout
	if err := formatOf(t, doge.New).WalkTx(proof.Coinbase, &l); !errors.Is(err, coins.ErrMalformed) {
		t.Errorf("on its own: %v, want %v", err, coins.ErrMalformed)
	}
}

func TestLoadChecksProof(t *testing.T) {
	format := formatOf(t, doge.New)
	b := proofs(t)[0]
	raw := bytes.Clone(b.raw)
	proof, err := coins.ParseProof(raw[coins.HeaderSize:])
	if err != nil {
		t.Fatal(err)
	}
	raw[coins.HeaderSize+proof.Size-coins.HeaderSize+40] ^= 1 // the parent's merkle root
	if _, err := load(raw, format, b.id()); !errors.Is(err, coins.ErrProof) {
		t.Errorf("%v, want %v", err, coins.ErrProof)
	}
}
