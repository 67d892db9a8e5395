package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cost is what one measured piece of work took.
type cost struct {
	Bytes     int64
	Wall      time.Duration
	CPU, Node time.Duration // of this process, of the node
	Peak      int64         // this process's largest resident memory during it, bytes
}

// rate is in MB/s, a megabyte being a million bytes.
func (c cost) rate() float64 { return float64(c.Bytes) / 1e6 / c.Wall.Seconds() }

// perGB is in CPU seconds of this process per 1e9 bytes of blocks.
func (c cost) perGB() float64 { return c.CPU.Seconds() / (float64(c.Bytes) / 1e9) }

// nodePerGB is perGB of the node.
func (c cost) nodePerGB() float64 { return c.Node.Seconds() / (float64(c.Bytes) / 1e9) }

// timed measures work, which returns how many bytes of blocks it handled.
func timed(nodePID int, work func() (int64, error)) (cost, error) {
	runtime.GC()
	debug.FreeOSMemory()
	if err := resetPeak(); err != nil {
		return cost{}, err
	}
	own, err := ownCPU()
	if err != nil {
		return cost{}, err
	}
	node, err := cpuOf(nodePID)
	if err != nil {
		return cost{}, err
	}
	start := time.Now()
	handled, err := work()
	c := cost{Bytes: handled, Wall: time.Since(start)}
	if err != nil {
		return c, err
	}
	ownAfter, err1 := ownCPU()
	nodeAfter, err2 := cpuOf(nodePID)
	peak, err3 := peakMemory()
	c.CPU, c.Node, c.Peak = ownAfter-own, nodeAfter-node, peak
	return c, errors.Join(err1, err2, err3)
}

func ownCPU() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, err
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// cpuOf reads user and system time of another process, in clock ticks of a hundredth of a second; 0 for no process.
func cpuOf(pid int) (time.Duration, error) {
	if pid == 0 {
		return 0, nil
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err1, err2)
}

func resetPeak() error { return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

func peakMemory() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	number, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	kilobytes, err := strconv.ParseInt(number, 10, 64)
	return kilobytes << 10, err
}
