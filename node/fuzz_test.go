package node

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"coffer.example/coffer/coins"
)

// FuzzHexAnswer holds the stream decoder to encoding/json: what it accepts,
// they read the same, however the bytes come in.
func FuzzHexAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"result":"00ff","error":null,"id":1}`,
		`{"error":null,"id":1,"result":"ABcd"}` + "\n",
		`{"result":null,"error":{"code":-5,"message":"Block \"not\" found"},"id":1}`,
		` { "jsonrpc" : "2.0" , "result" : "" , "id" : 7 } `,
		`{"result":"0"}`, `{"result":"\u0030\u0030"}`, `{}`, `[`, `{"id":[{"a":"}"}],"result":"00"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		const limit = 1 << 10
		raw, a, err := readHexAnswer(bufio.NewReaderSize(bytes.NewReader(input), 16), make([]byte, 0, 8), limit)
		slow, b, slowErr := readHexAnswer(bufio.NewReaderSize(iotest.OneByteReader(bytes.NewReader(input)), 16), nil, limit)
		if (err == nil) != (slowErr == nil) || (err == nil && !bytes.Equal(raw, slow)) {
			t.Fatalf("%x, %v at once; %x, %v byte by byte", raw, err, slow, slowErr)
		}
		if err != nil {
			if !isOurs(err) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if len(raw) > limit {
			t.Fatalf("%d bytes, limit %d", len(raw), limit)
		}
		if (a.Error == nil) != (b.Error == nil) || (a.ID == nil) != (b.ID == nil) {
			t.Fatal("side values differ")
		}
		var whole map[string]json.RawMessage // a struct would take "Result" too
		var text string
		if json.NewDecoder(bytes.NewReader(input)).Decode(&whole) != nil || json.Unmarshal(whole["result"], &text) != nil {
			return // laxer than JSON in what it does not look at, or without a result
		}
		if want, err := hex.DecodeString(text); err == nil && !bytes.Equal(raw, want) {
			t.Fatalf("%x, want %x", raw, want)
		}
	})
}

// FuzzFrame checks that what is read as a frame's head is written the same,
// and that inventories and versions of any bytes do no harm.
func FuzzFrame(f *testing.F) {
	magic := [4]byte{0xfa, 0xbf, 0xb5, 0xda}
	f.Add(appendFrame(nil, magic, "ping", []byte{1, 2, 3, 4, 5, 6, 7, 8}))
	f.Add(appendFrame(nil, magic, "version", (&versionMessage{protocol: 70015, agent: agent}).append(nil)))
	f.Add(appendFrame(nil, magic, "inv", append([]byte{1, 2, 0, 0, 0x40}, make([]byte, 32)...)))
	f.Fuzz(func(t *testing.T, message []byte) {
		if len(message) < frameHead {
			return
		}
		head, err := parseFrame(message[:frameHead], magic)
		if err != nil {
			if !errors.Is(err, ErrGarbage) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		payload := message[frameHead:]
		if head.length == len(payload) && head.checksum == checksum(payload) {
			if again := appendFrame(nil, magic, head.command, payload); !bytes.Equal(again, message) {
				t.Fatalf("%x, written again %x", message, again)
			}
		}
		if entries, err := parseInventory(payload); err == nil && len(payload) < len(entries)*invEntry {
			t.Fatalf("%d entries in %d bytes", len(entries), len(payload))
		}
		if name, err := parseVersion(payload); err == nil && len(name) > 3*maxAgent { // what is no UTF-8 is replaced
			t.Fatalf("agent of %d bytes", len(name))
		}
	})
}

// FuzzHeaders checks that headers read are the bytes given, each at its place.
func FuzzHeaders(f *testing.F) {
	header := make([]byte, coins.HeaderSize)
	f.Add(header, false, true)
	f.Add(append(append([]byte{}, header...), 0), true, false)
	f.Add(bytes.Repeat(header, 3), false, false)
	f.Fuzz(func(t *testing.T, b []byte, counted, auxPoW bool) {
		const limit = 20
		headers, err := parseHeaders(coins.Format{AuxPoW: auxPoW}, b, limit, counted)
		if err != nil {
			if !errors.Is(err, coins.ErrTruncated) && !errors.Is(err, coins.ErrMalformed) && !errors.Is(err, ErrGarbage) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if len(headers) > limit || len(headers)*coins.HeaderSize > len(b) {
			t.Fatalf("%d headers in %d bytes", len(headers), len(b))
		}
		for i := range headers {
			if !bytes.Contains(b, headers[i][:]) {
				t.Fatalf("header %d is not in the bytes", i)
			}
		}
	})
}

// FuzzZMTP checks that any bytes read as messages end in a typed error, and
// that a message has the parts that its frames say.
func FuzzZMTP(f *testing.F) {
	message := func(topic, body string) []byte {
		b := appendZMTP(nil, zmtpMore, topic)
		b = appendZMTP(b, zmtpMore, body)
		return appendZMTP(b, 0, "\x01\x00\x00\x00")
	}
	f.Add(message("rawtx", "body"))
	f.Add(append(appendZMTP(nil, zmtpCommand, "\x04PING\x00\x01ctx"), message("hashblock", strings.Repeat("h", 32))...))
	f.Add([]byte{zmtpLong, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bufio.NewReaderSize(bytes.NewReader(b), 16)
		for {
			m, err := readZMTPMessage(r, func(topic string) bool { return topic == topicRawTx }, func(body []byte) error {
				if pong, ok := pongFor(body); ok && len(pong) != 2+5+len(body)-7 {
					return fmt.Errorf("pong of %d bytes to %d", len(pong), len(body))
				}
				return nil
			})
			if err != nil {
				if zmqError(err); !isOurs(zmqError(err)) {
					t.Fatalf("untyped error %v", err)
				}
				return
			}
			if m.topic != topicRawTx && m.body != nil {
				t.Fatalf("%q kept a body", m.topic)
			}
		}
	})
}

func BenchmarkHexAnswer(b *testing.B) {
	const size = 1 << 20
	text := []byte(`{"result":"` + strings.Repeat("5a", size) + `","error":null,"id":1}` + "\n")
	b.Run("stream", func(b *testing.B) {
		buf := make([]byte, 0, size)
		source := bytes.NewReader(text)
		r := bufio.NewReaderSize(source, streamBuffer)
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			source.Reset(text)
			r.Reset(source)
			raw, _, err := readHexAnswer(r, buf, size)
			if err != nil || len(raw) != size {
				b.Fatal(len(raw), err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			var a struct{ Result string }
			if err := json.Unmarshal(text, &a); err != nil {
				b.Fatal(err)
			}
			if _, err := hex.DecodeString(a.Result); err != nil {
				b.Fatal(err)
			}
		}
	})
}
