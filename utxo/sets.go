package utxo

import "math/bits"

// markSet is a multiset of 64-bit marks with a small value each: an open
// addressing table in the order of the marks, and before it a Bloom filter of
// one word a mark that stays in the CPU's cache. A mark in the set is found;
// a mark found proves nothing. Marks that are equal are kept each, so that
// taking one away never hides another.
type markSet struct {
	filter []uint64
	marks  []uint64 // noMark where a slot is empty
	values []uint32 // none in a set without values
	valued bool
	used   int
	// added counts insertions since the filter was filled: what was removed
	// leaves its bits behind.
	added int
}

const (
	noMark = 0
	// A table is filled to fullPercent of its slots and grows by half.
	fullPercent = 85
	leastSlots  = 1 << 10
	// filterBits are the filter's bits per mark it has room for: at four bits a
	// mark in one word about one foreign mark in a hundred passes.
	filterBits = 12
)

func newMarkSet(valued bool, expected int) *markSet {
	s := &markSet{valued: valued}
	// Rounded up to whole hundreds, as add counts: else the last of the expected would make it grow.
	s.resize(max(leastSlots, (expected/fullPercent+2)*100))
	return s
}

// normal moves the mark that stands for an empty slot.
func normal(mark uint64) uint64 {
	if mark == noMark {
		return 1
	}
	return mark
}

// filterWord returns the word's number and the bits of a mark. The table uses
// the mark's upper bits, so the filter spreads them anew.
func (s *markSet) filterWord(mark uint64) (word, mask uint64) {
	mixed := mark * 0x9e3779b97f4a7c15
	word, _ = bits.Mul64(mixed, uint64(len(s.filter)))
	mask = 1<<(mark&63) | 1<<(mark>>6&63) | 1<<(mark>>12&63) | 1<<(mark>>18&63)
	return word, mask
}

// mayHold is the quick test: false means that the mark is not in the set.
func (s *markSet) mayHold(mark uint64) bool {
	word, mask := s.filterWord(mark)
	return s.filter[word]&mask == mask
}

// slot returns where a mark's run begins: in the order of the marks.
func (s *markSet) slot(mark uint64) int {
	at, _ := bits.Mul64(mark, uint64(len(s.marks)))
	return int(at)
}

func (s *markSet) next(at int) int {
	if at++; at == len(s.marks) {
		return 0
	}
	return at
}

// find returns the slot of the first mark that equals, or −1; findNext goes on
// from it.
func (s *markSet) find(mark uint64) int {
	mark = normal(mark)
	return s.findFrom(mark, s.slot(mark))
}

func (s *markSet) findNext(mark uint64, at int) int { return s.findFrom(normal(mark), s.next(at)) }

func (s *markSet) findFrom(mark uint64, at int) int {
	for ; s.marks[at] != noMark; at = s.next(at) {
		if s.marks[at] == mark {
			return at
		}
	}
	return -1
}

// holds reports whether the mark is in the set.
func (s *markSet) holds(mark uint64) bool { return s.mayHold(mark) && s.find(mark) >= 0 }

func (s *markSet) value(at int) uint32 { return s.values[at] }

func (s *markSet) add(mark uint64, value uint32) {
	if s.used+1 > len(s.marks)/100*fullPercent {
		s.resize(len(s.marks) + len(s.marks)/2)
	} else if s.added >= len(s.marks) {
		s.fillFilter()
	}
	s.insert(normal(mark), value)
	s.mark(mark)
}

// mark sets a mark's bits. The two marks that the table does not tell apart
// get both's: which of them was added is not known when the filter is renewed.
func (s *markSet) mark(mark uint64) {
	word, mask := s.filterWord(mark)
	s.filter[word] |= mask
	if normal(mark) == normal(noMark) {
		word, mask = s.filterWord(noMark)
		s.filter[word] |= mask
	}
	s.added++
}

func (s *markSet) insert(mark uint64, value uint32) {
	at := s.slot(mark)
	for s.marks[at] != noMark {
		at = s.next(at)
	}
	s.marks[at] = mark
	if s.valued {
		s.values[at] = value
	}
	s.used++
}

// remove takes away one mark, with that value in a set with values. It reports
// whether there was one.
func (s *markSet) remove(mark uint64, value uint32) bool {
	at := s.find(mark)
	for at >= 0 && s.valued && s.values[at] != value {
		at = s.findNext(mark, at)
	}
	if at < 0 {
		return false
	}
	s.closeGap(at)
	s.used--
	return true
}

// closeGap empties a slot and moves back what was pushed past it.
func (s *markSet) closeGap(gap int) {
	for at := s.next(gap); s.marks[at] != noMark; at = s.next(at) {
		home := s.slot(s.marks[at])
		// The mark may move to the gap unless its home lies behind the gap.
		if s.distance(home, at) >= s.distance(gap, at) {
			s.marks[gap] = s.marks[at]
			if s.valued {
				s.values[gap] = s.values[at]
			}
			gap = at
		}
	}
	s.marks[gap] = noMark
}

func (s *markSet) distance(from, to int) int {
	if to >= from {
		return to - from
	}
	return to - from + len(s.marks)
}

func (s *markSet) resize(slots int) {
	marks, values := s.marks, s.values
	s.marks, s.used = make([]uint64, slots), 0
	if s.valued {
		s.values = make([]uint32, slots)
	}
	for i, mark := range marks {
		if mark == noMark {
			continue
		}
		value := uint32(0)
		if s.valued {
			value = values[i]
		}
		s.insert(mark, value)
	}
	s.filter = make([]uint64, slots*filterBits/64+1)
	s.fillFilter()
}

// fillFilter sets the bits of the marks that are there, and no others.
func (s *markSet) fillFilter() {
	clear(s.filter)
	s.added = 0
	for _, mark := range s.marks {
		if mark != noMark {
			s.mark(mark)
		}
	}
}

// size returns the set's memory in bytes.
func (s *markSet) size() int { return 8*len(s.filter) + 8*len(s.marks) + 4*len(s.values) }

// empty takes every mark away, keeping the memory.
func (s *markSet) empty() {
	if s.added > 0 {
		clear(s.marks)
		clear(s.filter)
		s.used, s.added = 0, 0
	}
}
