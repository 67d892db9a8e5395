package scanner

import (
	"math/big"
	"testing"

	"coffer.example/coffer/coins"
)

func TestDecide(t *testing.T) {
	for name, test := range map[string]struct {
		f    findings
		want verdict
	}{
		"more work":                   {findings{found: true, ours: big.NewInt(5), theirs: big.NewInt(6)}, verdictLeave},
		"equal work":                  {findings{found: true, ours: big.NewInt(5), theirs: big.NewInt(5)}, verdictWait},
		"less work":                   {findings{found: true, ours: big.NewInt(5), theirs: big.NewInt(4)}, verdictWait},
		"a prefix of ours":            {findings{found: true, ours: big.NewInt(5), theirs: big.NewInt(0)}, verdictWait},
		"a prefix, our tip invalid":   {findings{found: true, ours: big.NewInt(5), theirs: big.NewInt(0), invalid: true}, verdictLeave},
		"equal work, invalid":         {findings{found: true, ours: big.NewInt(5), theirs: big.NewInt(5), invalid: true}, verdictLeave},
		"too deep":                    {findings{ours: big.NewInt(5), theirs: big.NewInt(6)}, verdictTooDeep},
		"too deep, no more work":      {findings{ours: big.NewInt(5), theirs: big.NewInt(5)}, verdictWait},
		"too deep, invalid":           {findings{ours: big.NewInt(5), theirs: big.NewInt(0), invalid: true}, verdictTooDeep},
		"another genesis":             {findings{genesis: true, ours: big.NewInt(5), theirs: big.NewInt(6)}, verdictForeign},
		"another genesis, still less": {findings{genesis: true, ours: big.NewInt(5), theirs: big.NewInt(1)}, verdictWait},
	} {
		if got := decide(test.f); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

// chainOf returns headers that form a chain above parent.
func chainOf(parent coins.BlockHash, bits uint32, n int) (headers []coins.RawHeader) {
	for i := range n {
		var h coins.RawHeader
		copy(h[4:], parent[:])
		h[68] = byte(i)
		h[72], h[73], h[74], h[75] = byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24)
		headers = append(headers, h)
		parent = h.Hash()
	}
	return headers
}

// The length of a branch says nothing: three hard blocks outweigh ten easy ones.
func TestBranchSumsWork(t *testing.T) {
	const easy, hard = 0x207fffff, 0x1f7fffff
	long, short := chainOf(coins.BlockHash{}, easy, 10), chainOf(coins.BlockHash{}, hard, 3)
	ours := newBranch(coins.BlockID{Height: 9, Hash: long[9].Hash()})
	for i := 9; i >= 0; i-- {
		if !ours.descend(&long[i]) {
			t.Fatal("the chain does not take its own header at", i)
		}
	}
	if ours.depth() != 10 || ours.base != (coins.BlockID{Height: -1}) || ours.ids[0].Height != 9 || ours.ids[9].Height != 0 {
		t.Errorf("depth %d, base %s", ours.depth(), ours.base)
	}
	theirs := new(big.Int)
	for i := range short {
		theirs.Add(theirs, short[i].Work())
	}
	if got := decide(findings{found: true, ours: ours.work, theirs: theirs}); got != verdictLeave {
		t.Errorf("work %s against %s: %d", ours.work, theirs, got)
	}
	if ours.descend(&short[0]) {
		t.Error("took a header that is not the candidate's")
	}
}

func TestWindowAfter(t *testing.T) {
	compared := coins.Height(0)
	for _, want := range []coins.Height{16, 112, 896, 1024, 1024} {
		got := windowAfter(compared)
		if got != want {
			t.Errorf("after %d: %d, want %d", compared, got, want)
		}
		compared += got
	}
}

func TestChainIDs(t *testing.T) {
	const easy = 0x207fffff
	parent := coins.BlockID{Height: 4, Hash: coins.BlockHash{1}}
	headers := chainOf(parent.Hash, easy, 3)
	ids, err := chainIDs(parent, headers, false)
	if err != nil || len(ids) != 3 || ids[0].Height != 5 || ids[2] != (coins.BlockID{Height: 7, Hash: headers[2].Hash()}) {
		t.Errorf("%v %v", ids, err)
	}
	broken := chainOf(parent.Hash, easy, 3)
	broken[1] = chainOf(coins.BlockHash{9}, easy, 1)[0]
	for name, test := range map[string]struct {
		headers []coins.RawHeader
		target  bool
		want    error
	}{
		"another parent": {chainOf(coins.BlockHash{2}, easy, 1), false, ErrDisconnected},
		"a hole":         {broken, false, ErrDisconnected},
		"no target":      {chainOf(parent.Hash, 0, 1), false, ErrBits},
		"negative bits":  {chainOf(parent.Hash, 0x20ffffff, 1), false, ErrBits},
		"no work":        {chainOf(parent.Hash, 0x03000001, 1), true, coins.ErrPoW},
	} {
		_, err := chainIDs(parent, test.headers, test.target)
		isError(t, name, err, test.want)
	}
}
