package sha256d

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"

	"coffer.example/coffer/internal/need"
)

// paths are the ways a hasher can take; each runs every test.
func paths(t *testing.T, test func(t *testing.T, h *Hasher)) {
	t.Run("plain", func(t *testing.T) { test(t, newHasher(false)) })
	t.Run("accelerated", func(t *testing.T) {
		needAccelerated(t)
		test(t, newHasher(true))
	})
}

// needAccelerated ends a test where there is no assembly, or no processor that
// can run it.
func needAccelerated(tb testing.TB) {
	tb.Helper()
	switch {
	case !assembled:
		need.Missing(tb, "this build has crypto/sha256 only: build for amd64 without the tag purego")
	case accelerated():
	default:
		need.Missing(tb, "the processor lacks the SHA extensions: run where there are")
	}
}

// reference is what everything here is held to.
func reference(message []byte) [Size]byte {
	first := sha256.Sum256(message)
	return sha256.Sum256(first[:])
}

// noise is reproducible bytes.
func noise(seed uint64, n int) []byte {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(b)
	return b
}

// cut splits a message in three at two places.
func cut(message []byte, i, j int) (head, body, tail []byte) {
	return message[:i], message[i:j], message[j:]
}

// check hashes messages as one batch, cut where random says, and compares.
func check(t *testing.T, h *Hasher, random *rand.Rand, messages [][]byte) {
	t.Helper()
	got := make([][Size]byte, len(messages))
	h.Start(got)
	for _, m := range messages {
		j := random.IntN(len(m) + 1)
		h.Add(cut(m, random.IntN(j+1), j))
	}
	h.Finish()
	for i, m := range messages {
		if want := reference(m); got[i] != want {
			t.Fatalf("message %d of %d, %d bytes: got %x, want %x", i, len(messages), len(m), got[i], want)
		}
	}
}

func testRandom() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// TestKnown holds both paths to figures from elsewhere: Bitcoin's genesis
// header and coinbase, and the double hash of nothing.
func TestKnown(t *testing.T) {
	known := []struct{ name, message, want string }{
		{"empty", "", "5df6e0e2761359d30a8275058e299fcc0381534545f55cf43e41983f5d4c9456"},
		{"hello", "68656c6c6f", "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50"},
		{"genesis header", "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e" +
			"67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c",
			"6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000"},
	}
	paths(t, func(t *testing.T, h *Hasher) {
		for _, k := range known {
			message, err := hex.DecodeString(k.message)
			if err != nil {
				t.Fatal(err)
			}
			got := make([][Size]byte, 1)
			h.Start(got)
			h.Add(nil, message, nil)
			h.Finish()
			if hex.EncodeToString(got[0][:]) != k.want {
				t.Errorf("%s: got %x, want %s", k.name, got[0], k.want)
			}
		}
	})
}

// TestEveryLength hashes each length in lane A and in lane B, alone, beside a
// shorter and beside a longer message.
func TestEveryLength(t *testing.T) {
	lengths := 1001
	around := []int{bufferSize, 2 * bufferSize, 5 * bufferSize}
	paths(t, func(t *testing.T, h *Hasher) {
		random := testRandom()
		one := func(n int) {
			m, short, long := noise(uint64(n), n), noise(1, 3), noise(2, n+200)
			check(t, h, random, [][]byte{m})
			for _, other := range [][]byte{short, m, long} {
				check(t, h, random, [][]byte{m, other})
				check(t, h, random, [][]byte{other, m})
			}
		}
		for n := range lengths {
			one(n)
		}
		for _, edge := range around {
			for n := edge - 70; n <= edge+70; n++ {
				one(n)
			}
		}
	})
}

// TestEveryCut cuts messages at every two places.
func TestEveryCut(t *testing.T) {
	paths(t, func(t *testing.T, h *Hasher) {
		for _, n := range []int{0, 1, 55, 56, 64, 119, 130} {
			m := noise(uint64(n), n)
			want := reference(m)
			for i := range n + 1 {
				got := make([][Size]byte, n-i+1)
				h.Start(got)
				for j := i; j <= n; j++ {
					h.Add(cut(m, i, j))
				}
				h.Finish()
				for k := range got {
					if got[k] != want {
						t.Fatalf("%d bytes cut at %d and %d: got %x, want %x", n, i, i+k, got[k], want)
					}
				}
			}
		}
	})
}

// TestEveryAlignment moves message and hashes through memory by single bytes.
func TestEveryAlignment(t *testing.T) {
	paths(t, func(t *testing.T, h *Hasher) {
		random := testRandom()
		memory := noise(3, 1000)
		for shift := range 65 {
			check(t, h, random, [][]byte{memory[shift : shift+300], memory[2*shift : 2*shift+200]})
		}
	})
}

func TestRandomBatches(t *testing.T) {
	paths(t, func(t *testing.T, h *Hasher) {
		random := testRandom()
		memory := noise(4, 20_000)
		for range 300 {
			messages := make([][]byte, random.IntN(70))
			for i := range messages {
				limit := []int{80, 500, 3000, len(memory)}[random.IntN(4)]
				n := random.IntN(limit)
				at := random.IntN(len(memory) - n + 1)
				messages[i] = memory[at : at+n]
			}
			check(t, h, random, messages)
		}
	})
}

// TestBatchLargerThanOneCall passes the bound on a call into assembly.
func TestBatchLargerThanOneCall(t *testing.T) {
	paths(t, func(t *testing.T, h *Hasher) {
		for _, n := range []int{maxAtOnce - 1, maxAtOnce, maxAtOnce + 1, 3*maxAtOnce + 2} {
			messages := make([][]byte, n)
			for i := range messages {
				messages[i] = noise(uint64(i), i%130)
			}
			check(t, h, testRandom(), messages)
		}
	})
}

func TestPairs(t *testing.T) {
	paths(t, func(t *testing.T, h *Hasher) {
		counts := []int{maxAtOnce - 1, maxAtOnce, maxAtOnce + 1, 2*maxAtOnce + 3}
		for n := range 40 {
			counts = append(counts, n)
		}
		for _, n := range counts {
			src := make([][Size]byte, 2*n)
			want := make([][Size]byte, n)
			memory := noise(uint64(n), 2*n*Size)
			for i := range src {
				src[i] = [Size]byte(memory[i*Size:])
			}
			for i := range want {
				want[i] = reference(memory[2*i*Size : 2*(i+1)*Size])
			}
			apart := make([][Size]byte, n+1)
			h.Pairs(apart, src)
			if fmt.Sprint(apart[:n]) != fmt.Sprint(want) || apart[n] != ([Size]byte{}) {
				t.Fatalf("%d pairs: got %x, want %x", n, apart, want)
			}
			h.Pairs(src, src)
			if fmt.Sprint(src[:n]) != fmt.Sprint(want) {
				t.Fatalf("%d pairs in place: got %x, want %x", n, src[:n], want)
			}
		}
	})
}

// TestOutsideUntouched looks for writes beside the hashes.
func TestOutsideUntouched(t *testing.T) {
	paths(t, func(t *testing.T, h *Hasher) {
		for n := range 9 {
			all := make([][Size]byte, n+2)
			h.Start(all[1 : n+1])
			for range n {
				h.Add([]byte("a"), nil, []byte("b"))
			}
			h.Finish()
			if all[0] != ([Size]byte{}) || all[n+1] != ([Size]byte{}) {
				t.Fatalf("batch of %d wrote outside", n)
			}
		}
	})
}

// TestMisuse wants a panic rather than a wrong hash, and a hasher that works
// after it.
func TestMisuse(t *testing.T) {
	paths(t, func(t *testing.T, h *Hasher) {
		misuses := map[string]func(){
			"too few":  func() { h.Start(make([][Size]byte, 2)); h.Add(nil, nil, nil); h.Finish() },
			"too many": func() { h.Start(make([][Size]byte, 1)); h.Add(nil, nil, nil); h.Add(nil, nil, nil) },
			"odd":      func() { h.Pairs(make([][Size]byte, 2), make([][Size]byte, 3)) },
			"no room":  func() { h.Pairs(make([][Size]byte, 1), make([][Size]byte, 4)) },
		}
		for name, misuse := range misuses {
			if !panics(misuse) {
				t.Errorf("%s: no panic", name)
			}
			check(t, h, testRandom(), [][]byte{noise(5, 100), noise(6, 300), noise(7, 10)})
		}
	})
}

func panics(f func()) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	f()
	return false
}

func TestNothingKept(t *testing.T) {
	h := newHasher(accelerated())
	h.Start(make([][Size]byte, 1))
	h.Add([]byte("a"), []byte("b"), []byte("c"))
	h.Finish()
	for i := range h.queue.messages {
		m := &h.queue.messages[i]
		if m.state != nil || m.parts[0] != nil || m.parts[1] != nil || m.parts[2] != nil {
			t.Fatalf("message %d keeps what it was given", i)
		}
	}
	if h.dst != nil {
		t.Fatal("the hashes are kept")
	}
}

func TestNoAllocation(t *testing.T) {
	paths(t, func(t *testing.T, h *Hasher) {
		dst, message := make([][Size]byte, 5), noise(8, 3000)
		allocations := testing.AllocsPerRun(100, func() {
			h.Start(dst)
			for i := range dst {
				h.Add(cut(message[:600*(i+1)], 4, 300))
			}
			h.Finish()
			h.Pairs(dst, dst[:4])
		})
		if allocations != 0 {
			t.Fatalf("%v allocations", allocations)
		}
	})
}

// FuzzBatch takes data as messages, each behind a byte with its length and a
// byte with its cut, and one long message with what they leave.
func FuzzBatch(f *testing.F) {
	f.Add([]byte{}, uint16(0))
	f.Add(bytes.Repeat([]byte{55, 4, 64, 60, 119, 8, 1}, 300), uint16(1500))
	f.Add(noise(9, 5000), uint16(1100))
	hashers := []*Hasher{newHasher(false)}
	if accelerated() {
		hashers = append(hashers, newHasher(true))
	}
	f.Fuzz(func(t *testing.T, data []byte, long uint16) {
		long = min(long, uint16(min(len(data), 1<<16-1)))
		messages, cuts := [][]byte{data[:long]}, []int{int(long) / 3}
		for data = data[long:]; len(data) >= 2; {
			n := min(4*int(data[0]), len(data)-2)
			messages = append(messages, data[2:2+n])
			cuts = append(cuts, min(int(data[1]), n))
			data = data[2+n:]
		}
		for _, h := range hashers {
			got := make([][Size]byte, len(messages))
			h.Start(got)
			for i, m := range messages {
				h.Add(cut(m, cuts[i]/2, cuts[i]))
			}
			h.Finish()
			for i, m := range messages {
				if want := reference(m); got[i] != want {
					t.Fatalf("accelerated %t, message %d of %d: got %x, want %x", h.accelerated, i, len(got), got[i], want)
				}
			}
			comparePairs(t, h, got)
		}
	})
}

func comparePairs(t *testing.T, h *Hasher, nodes [][Size]byte) {
	t.Helper()
	nodes = nodes[:len(nodes)&^1]
	want := make([][Size]byte, len(nodes)/2)
	pairsPlain(want, nodes)
	h.Pairs(nodes, nodes)
	for i := range want {
		if nodes[i] != want[i] {
			t.Fatalf("accelerated %t, pair %d of %d: got %x, want %x", h.accelerated, i, len(want), nodes[i], want[i])
		}
	}
}
