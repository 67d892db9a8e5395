package coins

// merkleRoot hashes transaction ids to their root, in place in ids. It reports
// false where two neighbours are equal before padding: then another, shorter
// list of transactions has the same root (CVE-2012-2459) and the block is not
// to be trusted.
func merkleRoot(ids []TxID) (root [HashSize]byte, unique bool) {
	var pair [2 * HashSize]byte
	for len(ids) > 1 {
		half := (len(ids) + 1) / 2
		for i := range half {
			left, right := &ids[2*i], &ids[min(2*i+1, len(ids)-1)]
			if 2*i+1 < len(ids) && *left == *right {
				return root, false
			}
			copy(pair[:HashSize], left[:])
			copy(pair[HashSize:], right[:])
			ids[i] = doubleSHA256(pair[:])
		}
		ids = ids[:half]
	}
	return ids[0], true
}
