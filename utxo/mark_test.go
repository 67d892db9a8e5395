package utxo

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"coffer.example/coffer/coins"
)

// TestMarksCoverEveryByte changes each byte of scripts of every length, and
// each of an outpoint: the mark must change too.
func TestMarksCoverEveryByte(t *testing.T) {
	m, random := newMarker(), rand.New(rand.NewPCG(1, 2))
	for n := range 80 {
		script := make([]byte, n)
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		mark := m.script(script)
		if again := m.script(bytes.Clone(script)); again != mark {
			t.Fatalf("length %d: marks %x and %x of the same script", n, mark, again)
		}
		for i := range script {
			script[i]++
			if m.script(script) == mark {
				t.Errorf("length %d: byte %d is not in the mark", n, i)
			}
			script[i]--
		}
		if longer := append(bytes.Clone(script), 0); m.script(longer) == mark {
			t.Errorf("length %d: the mark of a longer script is the same", n)
		}
	}
	at := coins.OutPoint{Vout: 7}
	mark := m.outPoint(at)
	for i := range at.TxID {
		changed := at
		changed.TxID[i] = 1
		if m.outPoint(changed) == mark {
			t.Errorf("byte %d of the txid is not in the mark", i)
		}
	}
	if at.Vout++; m.outPoint(at) == mark {
		t.Error("the output's number is not in the mark")
	}
}

// TestMarksSpread puts the marks of similar scripts, counters in a constant
// frame, into a set: no more of the foreign ones may pass its filter than of
// random marks.
func TestMarksSpread(t *testing.T) {
	m := newMarker()
	script := func(i int) []byte {
		s := make([]byte, 25)
		s[0], s[1], s[2] = 0x76, 0xa9, 20
		s[3+i%20] = byte(i)
		s[3+(i/3)%20] ^= byte(i >> 8)
		s[22] ^= byte(i >> 16)
		return s
	}
	const count = 50_000
	set, seen := newMarkSet(false, count), map[string]bool{}
	for i := range count {
		s := script(i)
		if !seen[string(s)] {
			seen[string(s)] = true
			set.add(m.script(s), 0)
		}
	}
	passed, foreign := 0, 0
	for i := count; i < 20*count; i++ {
		if s := script(i); !seen[string(s)] {
			foreign++
			if set.mayHold(m.script(s)) {
				passed++
			}
		}
	}
	if foreign < count || passed > foreign/25 {
		t.Errorf("%d of %d foreign scripts pass the filter", passed, foreign)
	}
}
