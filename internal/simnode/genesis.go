package simnode

import (
	"fmt"

	"coffer.example/coffer/coins"
)

// genesisCoinbase is what distinguishes one genesis coinbase from another.
type genesisCoinbase struct {
	text   string       // the headline pushed by its input
	key    string       // the public key paid, uncompressed
	reward coins.Amount // its output's value
}

// genesisCoinbases are those of the coins' own source code. Each is shared by
// all networks of its coin that have regtest's rules.
func genesisCoinbases() []genesisCoinbase {
	const satoshi = "\x04\x67\x8a\xfd\xb0\xfe\x55\x48\x27\x19\x67\xf1\xa6\x71\x30\xb7\x10\x5c\xd6\xa8\x28\xe0\x39\x09\xa6\x79\x62\xe0\xea\x1f\x61\xde\xb6" +
		"\x49\xf6\xbc\x3f\x4c\xef\x38\xc4\xf3\x55\x04\xe5\x1e\xc1\x12\xde\x5c\x38\x4d\xf7\xba\x0b\x8d\x57\x8a\x4c\x70\x2b\x6b\xf1\x1d\x5f"
	const litecoin = "\x04\x01\x84\x71\x0f\xa6\x89\xad\x50\x23\x69\x0c\x80\xf3\xa4\x9c\x8f\x13\xf8\xd4\x5b\x8c\x85\x7f\xbc\xbc\x8b\xc4\xa8\xe4\xd3\xeb\x4b" +
		"\x10\xf4\xd4\x60\x4f\xa0\x8d\xce\x60\x1a\xaf\x0f\x47\x02\x16\xfe\x1b\x51\x85\x0b\x4a\xcf\x21\xb1\x79\xc4\x50\x70\xac\x7b\x03\xa9"
	return []genesisCoinbase{
		{"The Times 03/Jan/2009 Chancellor on brink of second bailout for banks", satoshi, 50 * coins.Unit},
		{"NY Times 05/Oct/2011 Steve Jobs, Apple’s Visionary, Dies at 56", litecoin, 50 * coins.Unit},
		{"Nintondo", litecoin, 88 * coins.Unit},
	}
}

// tx returns the coinbase transaction.
func (g genesisCoinbase) tx() *Tx {
	script := append([]byte{4, 0xff, 0xff, 0x00, 0x1d, 1, 4, byte(len(g.text))}, g.text...)
	pay := append(append([]byte{byte(len(g.key))}, g.key...), opCheckSig)
	return &Tx{
		Version: 1,
		Ins:     []In{{Prev: coinbasePrev(), Script: script, Sequence: finalSequence}},
		Outs:    []Out{{Value: g.reward, Script: pay}},
	}
}

// genesisBlock returns the coin's true genesis block: the header from its
// parameters and the coinbase whose id is the header's merkle root.
func genesisBlock(p *coins.ChainParams) ([]byte, error) {
	header := p.GenesisHeader
	if header.Hash() != p.Genesis {
		return nil, fmt.Errorf("genesis header hashes to %s, not %s: %w", header.Hash(), p.Genesis, ErrGenesis)
	}
	for _, candidate := range genesisCoinbases() {
		tx := candidate.tx()
		if tx.ID() == coins.TxID(header.MerkleRoot()) {
			return tx.append(append(header[:], 1), 0), nil
		}
	}
	return nil, fmt.Errorf("genesis %s: %w", p.Genesis, ErrGenesis)
}
