package core

import (
	"encoding/binary"

	"coffer.example/coffer/coins"
)

// Genesis is a genesis block's header by its fields, as chainparams write
// them. It has no parent.
type Genesis struct {
	// Hash and MerkleRoot are 64 hexadecimal digits as nodes print them. A text
	// that is none stands for zeros, and [New] refuses what comes of it.
	Hash, MerkleRoot string
	// Version is the header's, 0 stands for 1.
	Version uint32
	// Time is in Unix seconds, Bits the compact target.
	Time, Bits, Nonce uint32
}

// BlockHash returns the hash that the genesis block must have.
func (g Genesis) BlockHash() coins.BlockHash {
	hash, _ := coins.ParseBlockHash(g.Hash)
	return hash
}

// Header returns the header's 80 bytes: version, parent, merkle root, time,
// bits, nonce, integers little endian.
func (g Genesis) Header() coins.RawHeader {
	root, _ := coins.ParseBlockHash(g.MerkleRoot)
	header := make([]byte, 0, coins.HeaderSize)
	header = binary.LittleEndian.AppendUint32(header, max(g.Version, 1))
	header = append(header, make([]byte, coins.HashSize)...)
	header = append(header, root[:]...)
	header = binary.LittleEndian.AppendUint32(header, g.Time)
	header = binary.LittleEndian.AppendUint32(header, g.Bits)
	header = binary.LittleEndian.AppendUint32(header, g.Nonce)
	return coins.RawHeader(header)
}
