package simnode

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lightninglabs/gozmq"

	btcwire "github.com/btcsuite/btcd/wire/v2"
	ltcwire "github.com/ltcsuite/ltcd/wire"

	"coffer.example/coffer/coins"
)

// fetch gets a REST path.
func fetch(t *testing.T, n *Node, path string) (int, []byte, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.REST()+path, nil)
	must(t, err)
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

func TestREST(t *testing.T) {
	c := ready(t, testCoins(t)["btc"], 2)
	n := serve(t, c, Options{PrunedBelow: 10})
	id, _ := c.BlockID(20)
	old, _ := c.BlockID(5)
	raw := got(c.RawBlock(id.Hash))(t)
	for _, want := range []struct {
		path   string
		status int
		body   string
	}{
		{"/block/" + id.Hash.String() + ".bin", 200, string(raw)},
		{"/block/" + id.Hash.String() + ".hex", 200, hex.EncodeToString(raw) + "\n"},
		{"/block/" + coins.BlockHash{1}.String() + ".bin", 404, coins.BlockHash{1}.String() + " not found\r\n"},
		{"/block/" + old.Hash.String() + ".bin", 404, old.Hash.String() + " not available (pruned data)\r\n"},
		{"/block/zz.bin", 400, "Invalid hash: zz\r\n"},
		{"/block/" + id.Hash.String() + ".foo", 400, "Invalid hash: " + id.Hash.String() + ".foo\r\n"},
		{"/headers/1/" + id.Hash.String() + ".bin", 200, string(raw[:80])},
		{"/headers/" + id.Hash.String() + ".bin?count=1", 200, string(raw[:80])},
		{"/headers/0/" + id.Hash.String() + ".bin", 400, "Header count is invalid or out of acceptable range (1-2000): 0\r\n"},
		{"/headers/3/" + coins.BlockHash{1}.String() + ".hex", 200, "\n"},
		{"/blockhashbyheight/20.hex", 200, id.Hash.String() + "\n"},
		{"/blockhashbyheight/9999.bin", 404, "Block height out of range\r\n"},
		{"/blockhashbyheight/x.bin", 400, "Invalid height: x\r\n"},
		{"/mempool/contents.json", 200, "{}\n"},
		{"/nothing", 404, ""},
	} {
		status, body, err := fetch(t, n, want.path)
		must(t, err)
		if status != want.status || string(body) != want.body {
			t.Errorf("%s: %d %.100q, want %d %.100q", want.path, status, body, want.status, want.body)
		}
	}
	doge := serve(t, ready(t, testCoins(t)["doge"], 2), Options{NoREST: true})
	if status, _, err := fetch(t, doge, "/chaininfo.json"); err != nil || status != 404 {
		t.Error(status, err)
	}
}

func TestFaults(t *testing.T) {
	c := ready(t, testCoins(t)["btc"], 2)
	var fault atomic.Pointer[Fault]
	fault.Store(&Fault{})
	n := serve(t, c, Options{Faults: func(q Query) Fault {
		if q.Protocol != ProtocolREST {
			return Fault{}
		}
		return *fault.Load()
	}})
	path := "/block/" + c.Tip().Hash.String() + ".bin"
	raw := got(c.RawBlock(c.Tip().Hash))(t)
	try := func(f Fault) (int, []byte, error) {
		fault.Store(&f)
		return fetch(t, n, path)
	}
	if status, body, err := try(Fault{}); status != 200 || err != nil || !bytes.Equal(body, raw) {
		t.Fatal(status, err)
	}
	if status, body, err := try(Fault{Status: 503}); status != 503 || err != nil || len(body) != 0 {
		t.Fatal(status, body, err)
	}
	if _, body, err := try(Fault{Cut: 100}); err == nil || !bytes.Equal(body, raw[:100]) {
		t.Fatal(len(body), err)
	}
	if status, _, err := try(Fault{Cut: -1}); err == nil {
		t.Fatal(status)
	}
	if _, body, err := try(Fault{Garbage: true}); err != nil || string(body) != garbage {
		t.Fatal(body, err)
	}
	flip := func(b []byte) []byte { b = bytes.Clone(b); b[90] ^= 1; return b }
	if _, body, err := try(Fault{Change: flip}); err != nil || !bytes.Equal(body, flip(raw)) {
		t.Fatal(err)
	}
	begun := time.Now()
	if _, _, err := try(Fault{Delay: 20 * time.Millisecond}); err != nil || time.Since(begun) < 20*time.Millisecond {
		t.Fatal(err, time.Since(begun))
	}
	if _, body, err := try(Fault{Stop: true}); err == nil || len(body) > len(raw)/2 {
		t.Fatal(len(body), err)
	}
	<-n.Stopped()
	if _, _, err := fetch(t, n, path); err == nil {
		t.Fatal("a dead node answered")
	}
}

func TestWarmingUp(t *testing.T) {
	n := serve(t, ready(t, testCoins(t)["ltc"], 1), Options{})
	n.SetWarmingUp(true)
	status, body, err := n.post(t.Context(), `{"method":"getblockcount","id":1}`)
	if err != nil || status != 500 || string(body) != `{"result":null,"error":{"code":-28,"message":"Loading block index..."},"id":1}`+"\n" {
		t.Fatal(status, string(body), err)
	}
	if status, _, err := fetch(t, n, "/chaininfo.json"); err != nil || status != 503 {
		t.Fatal(status, err)
	}
	n.SetWarmingUp(false)
	if status, _, err := fetch(t, n, "/chaininfo.json"); err != nil || status != 200 {
		t.Fatal(status, err)
	}
}

// TestZMQElsewhere has another project's subscriber listen.
func TestZMQElsewhere(t *testing.T) {
	c := ready(t, testCoins(t)["btc"], 6)
	n := serve(t, c, Options{})
	conn, err := gozmq.Subscribe(n.ZMQ[len("tcp://"):], []string{"rawblock"}, 10*time.Second)
	must(t, err)
	defer func() { must(t, conn.Close()) }()
	must(t, n.SettleZMQ(t.Context(), "rawblock"))
	got(c.Mine(1, Fill(100_000)))(t)
	raw := got(c.RawBlock(c.Tip().Hash))(t)
	message, err := conn.Receive([][]byte{make([]byte, 10), make([]byte, 1<<20), make([]byte, 4)})
	must(t, err)
	if len(message) != 3 || string(message[0]) != "rawblock" || !bytes.Equal(message[1], raw) {
		t.Fatalf("%d parts, %q", len(message), message[0])
	}
}

func TestOnlyLoopback(t *testing.T) {
	if _, err := Serve(t.Context(), ready(t, testCoins(t)["btc"], 1), Options{RPCAddr: "0.0.0.0:0"}); err == nil {
		t.Fatal("listened to the world")
	}
}

// talk dials a node's peer port and shakes hands as btcd's wire does.
func talk(t *testing.T, n *Node) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", n.P2P)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	me := btcwire.NewNetAddressIPPort(net.IPv4(127, 0, 0, 1), 1, 0)
	must(t, btcwire.WriteMessage(conn, btcwire.NewMsgVersion(me, me, 5, 0), 70015, btcwire.TestNet))
	must(t, btcwire.WriteMessage(conn, btcwire.NewMsgVerAck(), 70015, btcwire.TestNet))
	return conn
}

// await reads messages until one of a command has come, and returns its payload.
func await(t *testing.T, conn net.Conn, command string) []byte {
	t.Helper()
	must(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	for {
		head := make([]byte, frameHead)
		got(io.ReadFull(conn, head))(t)
		payload := make([]byte, binary.LittleEndian.Uint32(head[16:]))
		got(io.ReadFull(conn, payload))(t)
		if sum := sha256d(payload); !bytes.Equal(sum[:4], head[20:24]) {
			t.Fatal("bad checksum of", commandOf(head))
		}
		if commandOf(head) == command {
			return payload
		}
	}
}

func getData(t *testing.T, conn net.Conn, kind uint32, hash [32]byte) {
	t.Helper()
	m := btcwire.NewMsgGetData()
	must(t, m.AddInvVect(&btcwire.InvVect{Type: btcwire.InvType(kind), Hash: hash}))
	must(t, btcwire.WriteMessage(conn, m, 70015, btcwire.TestNet))
}

func TestPeerBlocks(t *testing.T) {
	c := ready(t, testCoins(t)["ltc"], 6)
	got(c.Mine(1, PegIn(2*coins.Unit), Pay(c.own, coins.Unit)))(t)
	n := serve(t, c, Options{})
	conn := talk(t, n)
	var version btcwire.MsgVersion
	must(t, version.BtcDecode(bytes.NewBuffer(await(t, conn, "version")), 70015, btcwire.BaseEncoding))
	if version.UserAgent != "/LitecoinCore:0.21.2.1/" || version.LastBlock != int32(c.Tip().Height) {
		t.Fatalf("%+v", version)
	}
	await(t, conn, "verack")
	hash := c.Tip().Hash
	raw := got(c.RawBlock(hash))(t)
	sizes := []int{}
	for _, kind := range []uint32{invBlock, invBlock | invWitness, invBlock | invWitness | invMWEB} {
		getData(t, conn, kind, hash)
		payload := await(t, conn, "block")
		sizes = append(sizes, len(payload))
		var b coins.Block
		b.Raw = payload
		must(t, b.Load(c.params.Format, c.Tip(), coins.VerifyMerkle))
		if !b.Layout.HogEx {
			t.Fatal("the HogEx is missing")
		}
		if kind == invBlock|invWitness { // plain Bitcoin format
			var m btcwire.MsgBlock
			must(t, m.Deserialize(bytes.NewReader(payload)))
		}
	}
	if !slices.IsSorted(sizes) || sizes[2] != len(raw) || sizes[0] == sizes[1] || sizes[1] == sizes[2] {
		t.Fatal(sizes)
	}
	var whole ltcwire.MsgBlock
	must(t, whole.Deserialize(bytes.NewReader(raw)))
	getData(t, conn, invTx, [32]byte{1})
	if missing := await(t, conn, "notfound"); len(missing) != 37 {
		t.Fatal(missing)
	}
	tx := got(c.Send(payment(3)))(t)
	if inv := await(t, conn, "inv"); !bytes.Equal(inv, inventory(invTx, tx.ID())) {
		t.Fatalf("%x", inv)
	}
	getData(t, conn, invTx|invWitness, tx.ID())
	if raw := await(t, conn, "tx"); !bytes.Equal(raw, tx.Raw()) {
		t.Fatalf("%x", raw)
	}
	must(t, btcwire.WriteMessage(conn, btcwire.NewMsgSendHeaders(), 70015, btcwire.TestNet))
	must(t, btcwire.WriteMessage(conn, btcwire.NewMsgPing(5), 70015, btcwire.TestNet))
	await(t, conn, "pong")
	got(c.Mine(1))(t)
	if headers := await(t, conn, "headers"); len(headers) != 82 || coins.BlockHash(sha256d(headers[1:81])) != c.Tip().Hash {
		t.Fatalf("%x", headers)
	}
}

// subscribe shakes hands as a SUB socket of ZMTP 3.1 and subscribes to all.
func subscribe(t *testing.T, n *Node) *bufio.Reader {
	t.Helper()
	conn, err := net.Dial("tcp", n.ZMQ[len("tcp://"):])
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	greeting := make([]byte, 64)
	greeting[0], greeting[9], greeting[10], greeting[11] = 0xff, 0x7f, 3, 1
	copy(greeting[12:], "NULL")
	got(conn.Write(greeting))(t)
	got(conn.Write(appendFrame(nil, zmqCommand, []byte("\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB"))))(t)
	got(conn.Write(appendFrame(nil, zmqCommand, []byte("\x09SUBSCRIBE"))))(t)
	reader := bufio.NewReader(conn)
	got(io.ReadFull(reader, greeting))(t)
	if flags, body, err := readFrame(reader); err != nil || flags != zmqCommand || !bytes.HasPrefix(body, []byte("\x05READY")) {
		t.Fatal(flags, body, err)
	}
	must(t, n.SettleZMQ(t.Context(), "sequence"))
	return reader
}

func TestZMQ(t *testing.T) {
	c := ready(t, testCoins(t)["btc"], 6)
	n := serve(t, c, Options{})
	reader := subscribe(t, n)
	numbers := map[string]uint32{}
	expect := func(topic string, body []byte) {
		t.Helper()
		_, name, err := readFrame(reader)
		must(t, err)
		_, content, err := readFrame(reader)
		must(t, err)
		_, number, err := readFrame(reader)
		must(t, err)
		if string(name) != topic || !bytes.Equal(content, body) || binary.LittleEndian.Uint32(number) != numbers[topic] {
			t.Fatalf("%s %x %x, want %s %x %d", name, content, number, topic, body, numbers[topic])
		}
		numbers[topic]++
	}
	label := func(hash [32]byte, label byte) []byte { return append(reversed(hash), label) }
	inPool := func(hash [32]byte, l byte, sequence uint64) []byte {
		return binary.LittleEndian.AppendUint64(label(hash, l), sequence)
	}
	tx := got(c.Send(payment(1)))(t)
	id, start := tx.ID(), c.pool.sequence-1
	expect("hashtx", reversed(id))
	expect("rawtx", tx.Raw())
	expect("sequence", inPool(id, 'A', start))
	must(t, c.Evict(id))
	expect("sequence", inPool(id, 'R', start+1))
	blocks := got(c.Mine(1))(t)
	b := c.blocks[blocks[0].Hash]
	expect("hashtx", reversed(b.txs[0]))
	expect("rawtx", txAt(b.raw, c.walked(b), 0).Raw())
	expect("sequence", label(b.id.Hash, 'C'))
	expect("hashblock", reversed(b.id.Hash))
	expect("rawblock", b.raw)
	must(t, c.Invalidate(b.id.Hash))
	expect("hashtx", reversed(b.txs[0]))
	expect("rawtx", txAt(b.raw, c.walked(b), 0).Raw())
	expect("sequence", label(b.id.Hash, 'D'))
	expect("hashblock", reversed(c.Tip().Hash))
}
