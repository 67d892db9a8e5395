package utxo_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"coffer.example/coffer/utxo"
)

// benchSpecs makes the next specs of random witness programs, which a database cannot compress.
func benchSpecs(random *rand.ChaCha8, specs []utxo.WatchSpec) {
	for i := range specs {
		script := make([]byte, 22)
		script[1] = 20
		for at := 2; at < 18; at += 8 {
			binary.LittleEndian.PutUint64(script[at:], random.Uint64())
		}
		binary.LittleEndian.PutUint32(script[18:], uint32(random.Uint64()))
		specs[i] = utxo.WatchSpec{Script: script}
	}
}

// BenchmarkWatch imports scripts on Badger, durably, and opens the index again:
//
//	go test ./utxo -run '^$' -bench BenchmarkWatch -benchtime 1x -timeout 1h
func BenchmarkWatch(b *testing.B) {
	for _, count := range []int{100_000, 1_000_000, 10_000_000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			for b.Loop() {
				watchMany(b, count)
			}
		})
	}
}

func watchMany(b *testing.B, count int) {
	ctx := b.Context()
	folder := b.TempDir()
	x := badgerIndex(b, folder)
	random := rand.NewChaCha8([32]byte{1})
	specs := make([]utxo.WatchSpec, 100_000)
	var spent time.Duration
	for range count / len(specs) {
		benchSpecs(random, specs)
		began := time.Now()
		_, err := x.Watch(ctx, specs, nil)
		must(b, err)
		spent += time.Since(began)
	}
	b.ReportMetric(float64(count)/spent.Seconds(), "scripts/s")
	began := time.Now()
	must(b, x.Close())
	b.ReportMetric(time.Since(began).Seconds(), "close-s")
	specs = nil
	runtime.GC()
	began = time.Now()
	x = badgerIndex(b, folder)
	b.ReportMetric(time.Since(began).Seconds(), "open-s")
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	b.ReportMetric(float64(memory.HeapAlloc)/float64(count), "heap-B/script")
	must(b, x.Close())
}
