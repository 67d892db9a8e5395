package node

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"coffer.example/coffer/coins"
)

// TestWireGolden holds the bytes of each message that we send.
func TestWireGolden(t *testing.T) {
	main := [4]byte{0xf9, 0xbe, 0xb4, 0xd9}
	chain := &coins.Params{Chain: coins.ChainParams{Magic: main}, Node: coins.NodeParams{WitnessFlag: 1 << 30}}
	v := versionMessage{protocol: 70016, time: 0x0102030405, nonce: 0x1122334455667788, agent: "/a/", relay: true}
	cases := []struct {
		name string
		got  []byte
		want string
	}{
		{"verack", appendFrame(nil, main, "verack", nil), "f9beb4d976657261636b000000000000000000005df6e0e2"},
		{"ping", ping(nil, main, 7)[frameHead:], "0700000000000000"},
		{"getdata", getBlock(nil, chain, coins.BlockHash{0xaa})[frameHead:],
			"0102000040aa00000000000000000000000000000000000000000000000000000000000000"},
		{"version", v.append(nil), "80110100" + "0000000000000000" + "0504030201000000" + zeros(52) + "8877665544332211" +
			"032f612f" + "00000000" + "01"},
		{"zmq greeting", appendGreeting(nil), "ff00000000000000007f" + "0300" + "4e554c4c" + zeros(16) + zeros(32)},
		{"zmq ready", appendReady(nil), "0419" + "055245414459" + "0b536f636b65742d54797065" + "00000003" + "535542"},
		{"zmq subscription", appendZMTP(nil, 0, "\x01rawtx"), "0006017261777478"},
	}
	for _, c := range cases {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func zeros(n int) string { return hex.EncodeToString(make([]byte, n)) }

func TestCompactSize(t *testing.T) {
	cases := []struct {
		in   string
		want uint64
		ok   bool
	}{
		{"", 0, false}, {"05", 5, true}, {"fc", 252, true}, {"fd0102", 0x0201, true}, {"fd01", 0, false},
		{"fe01020304", 0x04030201, true}, {"fe010203", 0, false}, {"ff0102030405060708", 0, false},
	}
	for _, c := range cases {
		b, err := hex.DecodeString(c.in)
		if err != nil {
			t.Fatal(err)
		}
		if got, rest, ok := compactSize(b); got != c.want || ok != c.ok || (ok && len(rest) != 0) {
			t.Errorf("%s: %d %t, want %d %t", c.in, got, ok, c.want, c.ok)
		}
	}
}

// TestSilentPeer lets a peer fall silent: it is pinged, lives on when it
// answers, and is given up when it does not.
func TestSilentPeer(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	chain := &coins.Params{Chain: coins.ChainParams{Magic: [4]byte{1, 2, 3, 4}}}
	lost := make(chan error, 1)
	p := &peer{
		params: chain, conn: ours, in: bufio.NewReader(ours), stall: 200 * time.Millisecond, idle: 10 * time.Millisecond,
		slots: make(slots, 1), events: peerEvents{hint: func(Hint) {}, lost: func(err error) { lost <- err }},
	}
	go p.read()
	for range 3 {
		head := make([]byte, frameHead+8)
		if _, err := io.ReadFull(theirs, head); err != nil {
			t.Fatal(err)
		}
		f, err := parseFrame(head[:frameHead], chain.Chain.Magic)
		if err != nil || f.command != "ping" {
			t.Fatalf("%+v, %v", f, err)
		}
		if _, err := theirs.Write(appendFrame(nil, chain.Chain.Magic, "pong", head[frameHead:])); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.ReadFull(theirs, make([]byte, frameHead+8)); err != nil {
		t.Fatal(err)
	}
	if err := <-lost; !errors.Is(err, ErrTimeout) {
		t.Errorf("got %v, want ErrTimeout", err)
	}
	if _, err := p.block(t.Context(), coins.BlockID{}, nil); !errors.Is(err, ErrTimeout) {
		t.Errorf("afterwards: got %v, want why the connection ended", err)
	}
}

func TestZMTPPong(t *testing.T) {
	for in, want := range map[string]string{
		"\x04PING\x00\x0actx": "\x04PONGctx", "\x04PING\x00\x00": "\x04PONG", "\x04PING\x00": "", "\x05ERROR": "",
		"\x04PING\x00\x00more than sixteen": "",
	} {
		pong, ok := pongFor([]byte(in))
		if ok != (want != "") || (ok && string(pong[2:]) != want) {
			t.Errorf("%q: %q, want %q", in, pong, want)
		}
	}
}

func TestFrameLimits(t *testing.T) {
	magic := [4]byte{1, 2, 3, 4}
	head := appendFrame(nil, magic, "block", nil)
	for length, want := range map[uint32]error{MaxFrame: nil, MaxFrame + 1: ErrTooLarge, 1<<32 - 1: ErrTooLarge} {
		binary.LittleEndian.PutUint32(head[16:], length)
		if _, err := parseFrame(head, magic); !errors.Is(err, want) {
			t.Errorf("length %d: got %v, want %v", length, err, want)
		}
	}
}
