package node

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
)

// The peer protocol's frame: magic 4, command 12 padded with zeros, length 4
// little endian, checksum 4 (the start of the payload's double SHA-256).
const (
	frameHead      = 24
	commandSize    = 12
	maxSmallFrame  = 4 << 20 // of messages that we read: 50,000 inventory entries are 1.8 MB
	invEntry       = 4 + coins.HashSize
	invTx          = 1
	invBlock       = 2
	invWitnessFlag = 1 << 30
)

// frame is the head of a message.
type frame struct {
	command  string
	length   int
	checksum [4]byte
}

// parseFrame reads the head of a message. It fails with ErrGarbage on another
// network's magic or a command that is no text, with ErrTooLarge beyond
// MaxFrame.
func parseFrame(head []byte, magic [4]byte) (frame, error) {
	var f frame
	if [4]byte(head[:4]) != magic {
		return f, fmt.Errorf("peer protocol: magic %x, wanted %x: %w", head[:4], magic, ErrGarbage)
	}
	name, padding := head[4:4+commandSize], []byte(nil)
	if end := bytes.IndexByte(name, 0); end >= 0 {
		name, padding = name[:end], name[end:]
	}
	isText := !slices.ContainsFunc(name, func(c byte) bool { return c < ' ' || c > '~' })
	isPadded := !slices.ContainsFunc(padding, func(c byte) bool { return c != 0 })
	if !isText || !isPadded {
		return f, fmt.Errorf("peer protocol: command %q: %w", head[4:4+commandSize], ErrGarbage)
	}
	length := binary.LittleEndian.Uint32(head[16:])
	if length > MaxFrame {
		return f, fmt.Errorf("peer protocol: message %q of %d bytes: %w", name, length, ErrTooLarge)
	}
	return frame{command: string(name), length: int(length), checksum: [4]byte(head[20:24])}, nil
}

func checksum(payload []byte) [4]byte {
	first := sha256.Sum256(payload)
	second := sha256.Sum256(first[:])
	return [4]byte(second[:4])
}

// appendFrame appends a whole message.
func appendFrame(dst []byte, magic [4]byte, command string, payload []byte) []byte {
	var name [commandSize]byte
	copy(name[:], command)
	sum := checksum(payload)
	dst = append(append(dst, magic[:]...), name[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	return append(append(dst, sum[:]...), payload...)
}

// versionMessage is what we introduce ourselves with.
type versionMessage struct {
	protocol uint32
	time     int64 // Unix seconds
	nonce    uint64
	agent    string
	relay    bool // whether transactions are announced to us (BIP 37)
}

// append writes the payload of a version message: we offer no services, and
// do not tell addresses.
func (v *versionMessage) append(dst []byte) []byte {
	const noAddress = 8 + 16 + 2 // services, address, port
	dst = binary.LittleEndian.AppendUint32(dst, v.protocol)
	dst = binary.LittleEndian.AppendUint64(dst, 0)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(v.time))
	dst = append(dst, make([]byte, 2*noAddress)...)
	dst = binary.LittleEndian.AppendUint64(dst, v.nonce)
	dst = append(append(dst, byte(len(v.agent))), v.agent...)
	dst = binary.LittleEndian.AppendUint32(dst, 0) // our height
	if v.relay {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// getBlock is the message that asks for one block.
func getBlock(dst []byte, chain *coins.Params, hash coins.BlockHash) []byte {
	payload := make([]byte, 0, 1+invEntry)
	payload = append(payload, 1)
	payload = binary.LittleEndian.AppendUint32(payload, invBlock|chain.Node.WitnessFlag)
	payload = append(payload, hash[:]...)
	return appendFrame(dst, chain.Chain.Magic, "getdata", payload)
}

func ping(dst []byte, magic [4]byte, nonce uint64) []byte {
	return appendFrame(dst, magic, "ping", binary.LittleEndian.AppendUint64(nil, nonce))
}

// inventory is one entry of inv, getdata and notfound.
type inventory struct {
	kind uint32
	hash [coins.HashSize]byte
}

// parseInventory reads the payload of inv and notfound.
func parseInventory(b []byte) ([]inventory, error) {
	const most = 50_000 // the nodes' MAX_INV_SZ
	count, rest, ok := compactSize(b)
	if !ok || count > most || len(rest) != int(count)*invEntry {
		return nil, fmt.Errorf("peer protocol: inventory of %d bytes: %w", len(b), ErrGarbage)
	}
	entries := make([]inventory, count)
	for i := range entries {
		entry := rest[i*invEntry:]
		entries[i] = inventory{
			kind: binary.LittleEndian.Uint32(entry) &^ invWitnessFlag,
			hash: [coins.HashSize]byte(entry[4:invEntry]),
		}
	}
	return entries, nil
}

// compactSize reads a count at the start of b, at most 2^32−1.
func compactSize(b []byte) (n uint64, rest []byte, ok bool) {
	switch {
	case len(b) >= 1 && b[0] < 0xfd:
		return uint64(b[0]), b[1:], true
	case len(b) >= 3 && b[0] == 0xfd:
		return uint64(binary.LittleEndian.Uint16(b[1:])), b[3:], true
	case len(b) >= 5 && b[0] == 0xfe:
		return uint64(binary.LittleEndian.Uint32(b[1:])), b[5:], true
	}
	return 0, nil, false
}

// parseVersion returns the peer's name out of its version message.
func parseVersion(b []byte) (agent string, err error) {
	const agentAt = 4 + 8 + 8 + 26 + 26 + 8
	if len(b) < agentAt {
		return "", fmt.Errorf("peer protocol: version of %d bytes: %w", len(b), ErrGarbage)
	}
	size, rest, ok := compactSize(b[agentAt:])
	if !ok || size > uint64(len(rest)) || size > maxAgent {
		return "", fmt.Errorf("peer protocol: version: agent: %w", ErrGarbage)
	}
	return clip(string(rest[:size])), nil
}

// maxAgent is the nodes' MAX_SUBVERSION_LENGTH.
const maxAgent = 256
