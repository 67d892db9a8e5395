package acceptance_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// killRounds are how often the daemon is killed in go test, and with COFFER_SOAK=1.
const (
	killRounds = 6
	soakRounds = 60
)

// TestKill kills the daemon at random moments of sync, reorganisations, rescans and imports. Each time every index is
// sound; in the end it equals one that was never disturbed, and the chain's own coin set.
func TestKill(t *testing.T) {
	rounds, seed := killRounds, uint64(1)
	if os.Getenv("COFFER_SOAK") == "1" {
		rounds, seed = soakRounds, rand.Uint64()
	}
	if text := os.Getenv("COFFER_SEED"); text != "" {
		number, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("COFFER_SEED: %v", err)
		}
		seed = number
	}
	t.Logf("%d rounds of seed %d", rounds, seed)
	g := newGround(t, seed, 400)
	random := rand.New(rand.NewPCG(seed, 4))
	for round := range rounds {
		d := g.daemon(g.file, nil)
		moment := time.Duration(random.IntN(1500)) * time.Millisecond
		steps := g.bustle(moment, random.IntN(60), func() {
			switch round {
			case 0:
				g.tryWatch(0, 4)
			case rounds / 2:
				g.tryWatch(4, 6)
			default:
				g.tryRescan(1 + round%3)
			}
		})
		d.end(syscall.SIGKILL)
		tips := ""
		for symbol, report := range g.check(g.file) {
			tips += fmt.Sprintf(" %s %v", symbol, report.Tip)
		}
		t.Logf("round %d: killed after %v and %d steps;%s", round, moment, steps, tips)
	}
	disturbed := g.settle(g.file)
	_, undisturbed := g.configured()
	for symbol, digest := range g.settle(undisturbed) {
		if disturbed[symbol] != digest {
			t.Errorf("%s: digest is %s, that of an undisturbed run %s", symbol, disturbed[symbol], digest)
		}
	}
}

// bustle lets the chains grow, reorganise and receive for a while, a step of each at a time, and does something beside
// it. It returns how many steps there were.
func (g *ground) bustle(span time.Duration, most int, beside func()) (steps int) {
	g.t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); beside() }()
	end := time.NewTimer(span)
	defer end.Stop()
	pace := time.NewTicker(max(span/time.Duration(most+1), time.Millisecond))
	defer pace.Stop()
	for {
		select {
		case <-end.C:
			<-done
			return steps
		case <-pace.C:
		}
		steps++
		for _, c := range g.chains {
			if _, err := c.activity.Step(); err != nil {
				g.t.Errorf("%s: %v", c.symbol, err)
			}
		}
	}
}

// tryWatch imports addresses while the daemon lives, or does not yet: settle imports what it did not.
func (g *ground) tryWatch(from, to int) {
	for _, c := range g.chains {
		cmd := g.command(g.file, append([]string{"import-address", string(c.symbol)}, c.addresses[from:to]...)...)
		_ = cmd.Run() // the daemon may be opening the index just now
	}
}

// tryRescan asks for several rescans of everything at once, while the daemon lives, or does not yet.
func (g *ground) tryRescan(jobs int) {
	for _, c := range g.chains {
		for n := range jobs {
			cmd := g.command(g.file, "rescan", string(c.symbol), "--from", strconv.Itoa(n))
			_ = cmd.Run() // as in tryWatch; nothing may be watched yet either
		}
	}
}

// TestTerminate stops the daemon at random moments: in order, in time, with indexes that are sound.
func TestTerminate(t *testing.T) {
	g := newGround(t, 2, 250)
	g.watch(g.file, 0, 6)
	random := rand.New(rand.NewPCG(2, 5))
	for round := range 5 {
		d := g.daemon(g.file, nil)
		moment := time.Duration(50+random.IntN(900)) * time.Millisecond
		g.bustle(moment, 20, func() {})
		took := d.end(syscall.SIGTERM)
		if d.code() != 0 || took > stopLimit {
			t.Fatalf("round %d: SIGTERM after %v: exit code %d after %v\n%s", round, moment, d.code(), took, d.log)
		}
		g.check(g.file)
		t.Logf("round %d: SIGTERM after %v; stopped within %v", round, moment, round10(took))
	}
	g.settle(g.file)
}

func round10(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }
