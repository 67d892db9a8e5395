package sha256d

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

const benchMessages = 1000

// BenchmarkBatch hashes messages of one length, as transactions come: version,
// body, lock time.
func BenchmarkBatch(b *testing.B) {
	for _, n := range []int{60, 110, 250, 400, 1000, 10_000} {
		message, dst := noise(1, n), make([][Size]byte, benchMessages)
		batch := func(h *Hasher) func() {
			return func() {
				h.Start(dst)
				for range dst {
					h.Add(message[:4], message[4:n-4], message[n-4:])
				}
				h.Finish()
			}
		}
		ways(b, fmt.Sprint(n), int64(n)*benchMessages, batch)
		measure(b, fmt.Sprint(n, "/Sum256"), int64(n)*benchMessages, func() {
			for i := range dst {
				dst[i] = reference(message)
			}
		})
	}
}

// BenchmarkPairs hashes one level of a merkle tree.
func BenchmarkPairs(b *testing.B) {
	src, dst := make([][Size]byte, 2*benchMessages), make([][Size]byte, benchMessages)
	ways(b, "level", int64(len(src))*Size, func(h *Hasher) func() { return func() { h.Pairs(dst, src) } })
}

// BenchmarkBlocks compares the assembly alone with crypto/sha256's, per block.
func BenchmarkBlocks(b *testing.B) {
	needAccelerated(b)
	const blocks = 100
	data := noise(2, blocks*blockSize)
	var first, second [Size]byte
	measure(b, "two lanes", 2*blocks*blockSize, func() { compress(&first, &second, &data[0], &data[0], blocks) })
	measure(b, "crypto", blocks*blockSize, func() { first = sha256.Sum256(data) })
}

func ways(b *testing.B, name string, bytes int64, way func(*Hasher) func()) {
	measure(b, name+"/plain", bytes, way(newHasher(false)))
	if accelerated() {
		measure(b, name+"/accelerated", bytes, way(newHasher(true)))
	}
}

func measure(b *testing.B, name string, bytes int64, do func()) {
	b.Run(name, func(b *testing.B) {
		b.SetBytes(bytes)
		b.ReportAllocs()
		for b.Loop() {
			do()
		}
	})
}
