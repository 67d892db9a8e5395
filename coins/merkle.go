package coins

import "coffer.example/coffer/coins/sha256d"

// merkleRoot hashes transaction ids to their root, in place in ids. It reports
// false where two neighbours are equal before padding: then another, shorter
// list of transactions has the same root (CVE-2012-2459) and the block is not
// to be trusted.
func merkleRoot(h *sha256d.Hasher, ids [][HashSize]byte) (root [HashSize]byte, unique bool) {
	for len(ids) > 1 {
		for i := 1; i < len(ids); i += 2 {
			if ids[i-1] == ids[i] {
				return root, false
			}
		}
		if len(ids)%2 != 0 {
			ids = append(ids, ids[len(ids)-1])
		}
		h.Pairs(ids, ids)
		ids = ids[:len(ids)/2]
	}
	return ids[0], true
}
