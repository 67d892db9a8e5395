package simnode

import (
	"bufio"
	"bytes"
	"net"
	"testing"

	"coffer.example/coffer/coins"
)

// FuzzParseTx: what parses is written again as it was.
func FuzzParseTx(f *testing.F) {
	all := testCoins(f)
	c := ready(f, all["ltc"], 1)
	for _, spec := range []TxSpec{payment(1), {LockTime: 7, Sequence: 1}} {
		f.Add(got(c.NewTx(spec))(f).Raw())
	}
	f.Add(got(c.SendPegIn(coins.Unit))(f).Raw())
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, coin := range all {
			tx, err := ParseTx(coin.Params().Format, raw)
			if err != nil {
				continue
			}
			// A witness flag without a witness is read, and is not written.
			if again := tx.Raw(); !bytes.Equal(again, raw) && (tx.hasWitness() || flagged(raw) == 0) {
				t.Fatalf("%x, read from %x", again, raw)
			}
		}
	})
}

func flagged(raw []byte) byte {
	if raw[4] != 0 {
		return 0
	}
	return raw[5] & withWitness
}

// FuzzPeer: no message of a peer does harm.
func FuzzPeer(f *testing.F) {
	c := ready(f, testCoins(f)["ltc"], 1)
	n := &Node{chain: c, dialect: dialectOf(c.params.Format)}
	tip := c.Tip().Hash
	f.Add("version", make([]byte, 90))
	f.Add("getdata", inventory(invBlock, tip))
	f.Add("getdata", []byte{0xfd})
	f.Add("getheaders", append(append([]byte{0, 0, 0, 0, 1}, tip[:]...), make([]byte, 32)...))
	f.Add("getheaders", []byte{0, 0, 0, 0, 0xff})
	f.Fuzz(func(t *testing.T, command string, payload []byte) {
		ours, theirs := net.Pipe()
		defer func() { _ = theirs.Close() }()
		p := &peer{node: n, conn: ours, queue: make(chan message, 1000), done: make(chan struct{})}
		p.greeted.Store(command != "version")
		p.end() // answers beyond the queue's room are dropped
		p.handle(command, payload)
	})
}

// FuzzZMQFrame: what is read is written again as it was, or shorter.
func FuzzZMQFrame(f *testing.F) {
	f.Add(appendFrame(nil, zmqCommand, []byte("\x05READY")))
	f.Add(appendFrame(nil, 0, make([]byte, 300)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		flags, body, err := readFrame(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return
		}
		if again := appendFrame(nil, flags&^zmqLong, body); len(again) > len(raw) {
			t.Fatalf("%x, read from %x", again, raw)
		}
	})
}

// FuzzScript: any bytes can be shown as a script.
func FuzzScript(f *testing.F) {
	f.Add([]byte{0x4d, 1})
	f.Add([]byte{0x4e, 0xff, 0xff, 0xff, 0xff, 1})
	coin := testCoins(f)["btc"]
	f.Fuzz(func(t *testing.T, script []byte) {
		asm(script)
		asmIn(script)
		descriptor := describe(coin, script)
		if back, err := descriptorScript(coin, descriptor); err == nil && !bytes.Equal(back, script) {
			t.Fatalf("%s stands for %x, not %x", descriptor, back, script)
		}
	})
}
