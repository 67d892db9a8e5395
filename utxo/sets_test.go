package utxo

import "testing"

// TestZeroMark keeps the mark that stands for an empty slot through the
// table's growth and the filter's renewal.
func TestZeroMark(t *testing.T) {
	for _, mark := range []uint64{noMark, noMark + 1} {
		s := newMarkSet(false, 0)
		s.add(mark, 0)
		for i := range uint64(10_000) {
			s.add(i<<40|0xffffff, 0)
		}
		if !s.holds(mark) {
			t.Errorf("mark %d is lost", mark)
		}
	}
}
