package acceptance_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"coffer.example/coffer/engine"
)

// memoryLimit is what docs/operations.md says a daemon of three coins gets by with, in bytes: so much is given to its
// control group where there is one to be made, and goMemory to Go's own limit.
const (
	memoryLimit = 2 << 30
	goMemory    = "1500MiB"
)

// TestMemoryBound has a daemon sync, import, read pasts, save and compact within the memory that the documentation says.
func TestMemoryBound(t *testing.T) {
	addresses := 20_000
	if os.Getenv("COFFER_SOAK") == "1" {
		addresses = 1_000_000
	}
	g := newGround(t, 7, 300)
	d := g.daemon(g.file, func(cmd *exec.Cmd) { cmd.Env = append(os.Environ(), "GOMEMLIMIT="+goMemory) })
	t.Logf("limited by %s", limitMemory(t, d.cmd.Process.Pid, memoryLimit))
	g.awaitTips(g.file)
	g.watch(g.file, 0, 6)
	for _, c := range g.chains {
		file := filepath.Join(t.TempDir(), "addresses")
		g.must(os.WriteFile(file, []byte(c.many(addresses)), 0o600))
		var result engine.ImportResult
		g.done(g.file, &result, "import-address", string(c.symbol), "--file", file, "--wait")
	}
	g.bustle(0, 10, func() {})
	to := filepath.Join(t.TempDir(), "saved")
	g.done(g.file, nil, "snapshot", "--to", to)
	for _, c := range g.chains {
		g.done(g.file, nil, "index", "compact", string(c.symbol))
	}
	g.done(g.file, nil, "restore", to, "--replace", "--verify")
	g.awaitTips(g.file)
	peak := resident(t, d.cmd.Process.Pid)
	t.Logf("%d MB resident at most, with %d addresses a coin", peak>>20, addresses)
	if peak > memoryLimit {
		t.Errorf("%d MB resident, the limit is %d MB", peak>>20, memoryLimit>>20)
	}
	d.end(syscall.SIGTERM)
	if d.code() != 0 {
		t.Errorf("the daemon ends with %d: %s", d.code(), d.log)
	}
	g.check(g.file)
}

// many makes addresses, a line each.
func (c *simChain) many(n int) string {
	var text strings.Builder
	script := append(append([]byte{0x76, 0xa9, 20}, make([]byte, 20)...), 0x88, 0xac)
	for i := range n {
		binary.BigEndian.PutUint32(script[10:], uint32(i))
		address, _ := c.coin.Address(script)
		fmt.Fprintln(&text, address)
	}
	return text.String()
}

// resident is the most memory that a process had resident at once, in bytes.
func resident(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"VmHWM:", "VmRSS:"} {
		for line := range strings.Lines(string(text)) {
			if rest, found := strings.CutPrefix(line, name); found {
				kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				return kb << 10
			}
		}
	}
	t.Fatalf("no memory in %s", text)
	return 0
}

// limitMemory puts a process into a control group with so much memory, where that may be done, and says which one.
func limitMemory(t *testing.T, pid int, bytes int64) string {
	for _, kind := range []struct{ root, limit string }{
		{"/sys/fs/cgroup", "memory.max"}, {"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
	} {
		group := filepath.Join(kind.root, fmt.Sprintf("coffer-test-%d", pid))
		if os.Mkdir(group, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(group) }) // it can be removed once its process is gone
		if _, err := os.Stat(filepath.Join(group, kind.limit)); err != nil {
			continue
		}
		err := os.WriteFile(filepath.Join(group, kind.limit), []byte(strconv.FormatInt(bytes, 10)), 0o644)
		if err == nil {
			err = os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644)
		}
		if err == nil {
			return group
		}
	}
	return "GOMEMLIMIT alone: no control group can be made here"
}
