package engine_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

// BenchmarkImportLines imports files of random addresses, durably, opens the index again, and fills a new one from the
// log:
//
//	go test ./engine -run '^$' -bench BenchmarkImportLines -benchtime 1x -timeout 1h
func BenchmarkImportLines(b *testing.B) {
	for _, count := range []int{100_000, 1_000_000, 10_000_000} {
		b.Run(strconv.Itoa(count), func(b *testing.B) {
			for b.Loop() {
				importMany(b, count)
			}
		})
	}
}

func importMany(b *testing.B, count int) {
	w := newWorld(b, "btc", 5, "    start: genesis\n")
	w.catchUp()
	file := filepath.Join(b.TempDir(), "addresses.csv")
	writeAddresses(b, w.coin, file, count)
	lines, err := os.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	defer lines.Close()
	spend := func(name string, work func()) {
		began := time.Now()
		work()
		b.ReportMetric(time.Since(began).Seconds(), name)
	}
	before := cpuSeconds(b)
	spend("import-s", func() {
		result, err := w.engine.ImportLines(b.Context(), "btc", engine.LinesRequest{Lines: lines, From: "none"}, nil)
		if err != nil || result.Added != count {
			b.Fatal(result, err)
		}
	})
	b.ReportMetric(cpuSeconds(b)-before, "import-cpu-s")
	b.ReportMetric(megabytes(b, "VmHWM"), "import-peak-MB")
	reopen := func() {
		w.open()
		status, err := w.engine.Coin(b.Context(), "btc")
		if err == nil {
			_, err = w.engine.Watches(b.Context(), "btc", engine.WatchQuery{Page: engine.Page{Limit: 1}})
		}
		if err != nil {
			b.Fatal(status, err)
		}
	}
	w.close()
	runtime.GC()
	spend("open-s", reopen)
	w.catchUp()
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	b.ReportMetric(float64(memory.HeapAlloc)/1e6, "heap-MB")
	b.ReportMetric(megabytes(b, "RssAnon"), "resident-MB")
	b.ReportMetric(megabytes(b, "RssFile"), "mapped-MB")
	w.close()
	if err := os.RemoveAll(filepath.Join(w.folder(), "index")); err != nil {
		b.Fatal(err)
	}
	spend("refill-s", reopen)
}

// cpuSeconds is what the process has taken: it says more than the clock where the machine has other work.
func cpuSeconds(b *testing.B) float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func writeAddresses(b *testing.B, coin coins.Coin, file string, count int) {
	made, err := os.Create(file)
	if err != nil {
		b.Fatal(err)
	}
	out := bufio.NewWriterSize(made, 1<<20)
	random := rand.NewChaCha8([32]byte{1})
	script := append([]byte{0, 20}, make([]byte, 20)...)
	for range count {
		for at := 2; at < 18; at += 8 {
			binary.LittleEndian.PutUint64(script[at:], random.Uint64())
		}
		binary.LittleEndian.PutUint32(script[18:], uint32(random.Uint64()))
		address, ok := coin.Address(script)
		if !ok {
			b.Fatal("no address")
		}
		if _, err := fmt.Fprintln(out, address); err != nil {
			b.Fatal(err)
		}
	}
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := made.Close(); err != nil {
		b.Fatal(err)
	}
}

// megabytes reads one of the process's own figures, 0 where the system tells none.
func megabytes(b *testing.B, name string) float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			kB, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kB / 1e3
		}
	}
	return 0
}
