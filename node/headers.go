package node

import (
	"fmt"

	"coffer.example/coffer/coins"
)

// parseHeaders reads concatenated headers as REST and the peer protocol carry
// them, at most limit, stepping over merge-mining proofs. In a message of the
// peer protocol (counted) each is followed by a transaction count, one zero
// byte. It fails with coins.ErrTruncated or coins.ErrMalformed.
func parseHeaders(f coins.Format, b []byte, limit int, counted bool) ([]coins.RawHeader, error) {
	var headers []coins.RawHeader
	for p := 0; p < len(b); {
		if len(headers) == limit {
			return nil, fmt.Errorf("more than %d headers: %w", limit, ErrGarbage)
		}
		if len(b)-p < coins.HeaderSize {
			return nil, fmt.Errorf("header %d: %w", len(headers), coins.ErrTruncated)
		}
		header := coins.RawHeader(b[p : p+coins.HeaderSize])
		p += coins.HeaderSize
		if f.AuxPoW && header.HasProof() {
			proof, err := coins.ParseProof(b[p:])
			if err != nil {
				return nil, fmt.Errorf("header %d: %w", len(headers), err)
			}
			p += proof.Size
		}
		if counted {
			if p >= len(b) || b[p] != 0 {
				return nil, fmt.Errorf("header %d: no transaction count of 0: %w", len(headers), coins.ErrMalformed)
			}
			p++
		}
		headers = append(headers, header)
	}
	return headers, nil
}
