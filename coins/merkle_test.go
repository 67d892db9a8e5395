package coins

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"coffer.example/coffer/coins/sha256d"
)

func numberedIDs(n int) [][HashSize]byte {
	ids := make([][HashSize]byte, n)
	for i := range ids {
		binary.BigEndian.PutUint32(ids[i][:], uint32(i+1))
	}
	return ids
}

// plainRoot is the definition, level by level, with padding.
func plainRoot(ids [][HashSize]byte) [HashSize]byte {
	for len(ids) > 1 {
		if len(ids)%2 == 1 {
			ids = append(slices.Clone(ids), ids[len(ids)-1])
		}
		var next [][HashSize]byte
		for i := 0; i < len(ids); i += 2 {
			next = append(next, doubleSHA256(append(slices.Clone(ids[i][:]), ids[i+1][:]...)))
		}
		ids = next
	}
	return ids[0]
}

func TestMerkleRoot(t *testing.T) {
	for n := 1; n <= 70; n++ {
		ids := numberedIDs(n)
		root, unique := merkleRoot(sha256d.New(), slices.Clone(ids))
		if !unique || root != plainRoot(ids) {
			t.Errorf("%d ids: %x, %t", n, root, unique)
		}
	}
}

// TestMerkleDuplicates repeats the tail of a list wherever that keeps the root
// (CVE-2012-2459): each such list must be known.
func TestMerkleDuplicates(t *testing.T) {
	found, hasher := 0, sha256d.New()
	for n := 2; n <= 40; n++ {
		ids := numberedIDs(n)
		for tail := 1; tail <= n; tail++ {
			mutated := append(slices.Clone(ids), ids[n-tail:]...)
			if plainRoot(mutated) != plainRoot(ids) {
				continue
			}
			found++
			if _, unique := merkleRoot(hasher, mutated); unique {
				t.Errorf("%d ids with their last %d again have the same root, unnoticed", n, tail)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d lists with an equal root: the test looks for the wrong thing", found)
	}
}

func TestLoadRefusesDuplicates(t *testing.T) {
	tx := func(n byte) []byte {
		b := append([]byte{1, 0, 0, 0, 1}, make([]byte, 36)...)
		b[5] = n
		b = append(b, 0, 255, 255, 255, 255, 1)
		return append(append(b, make([]byte, 8)...), 0, 0, 0, 0, 0)
	}
	block := func(txs ...[]byte) *Block {
		var ids [][HashSize]byte
		body := []byte{byte(len(txs))}
		for _, raw := range txs {
			ids = append(ids, doubleSHA256(raw))
			body = append(body, raw...)
		}
		root := plainRoot(ids)
		header := make([]byte, HeaderSize)
		copy(header[36:], root[:])
		return &Block{Raw: append(header, body...)}
	}
	f := Format{Segwit: true, MaxBlock: 10_000}
	load := func(b *Block) error {
		h := RawHeader(b.Raw[:HeaderSize])
		return b.Load(f, BlockID{Hash: h.Hash()}, VerifyMerkle)
	}
	honest, mutated := block(tx(1), tx(2), tx(3)), block(tx(1), tx(2), tx(3), tx(3))
	if honest.Raw[36] != mutated.Raw[36] {
		t.Fatal("the roots differ")
	}
	if err := load(honest); err != nil {
		t.Error(err)
	}
	if err := load(mutated); !errors.Is(err, ErrMerkleRoot) {
		t.Errorf("%v, want %v", err, ErrMerkleRoot)
	}
	honest.Raw[len(honest.Raw)-1]++
	if err := load(honest); !errors.Is(err, ErrMerkleRoot) {
		t.Errorf("another lock time: %v, want %v", err, ErrMerkleRoot)
	}
	if err := honest.Load(f, BlockID{}, VerifyHeader); !errors.Is(err, ErrBlockHash) {
		t.Errorf("another hash: %v, want %v", err, ErrBlockHash)
	}
}
