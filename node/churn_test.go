package node_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"coffer.example/coffer/node"
)

// TestChurn takes blocks with many workers, some of which leave in the middle,
// while REST and the peer fail again and again in every way: each block that
// is returned is right, no buffer is written to by two, and in the end the
// fastest transport is back.
func TestChurn(t *testing.T) {
	const workers, each = 24, 150
	f := newFake(t)
	p := newFakePeer(t, f)
	n := f.open(t, func(o *node.Options) {
		o.REST, o.P2P, o.BlockTimeout = true, p.addr, 20*time.Second
		o.RetryMin, o.RetryMax = time.Millisecond, 4*time.Millisecond
	})
	var asked atomic.Uint32
	f.setFault(func(w http.ResponseWriter, method string) bool {
		if method != "GET" {
			return false
		}
		switch asked.Add(1) % 7 {
		case 0:
			return say(500, "broken")(w, method)
		case 1:
			return cutAfter("x")(w, method)
		case 2:
			return say(404, "")(w, method)
		}
		return false
	})
	p.set(func(c net.Conn, m wire.Message) bool {
		if _, block := m.(*wire.MsgGetData); !block {
			return false
		}
		switch asked.Add(1) % 31 {
		case 0:
			c.Close()
			return true
		case 1:
			c.Write(p.frame("block", 5000, f.chain[3].raw(t)[:90]))
			c.Close()
			return true
		case 2:
			return true
		}
		return false
	})
	var group sync.WaitGroup
	for worker := range workers {
		random := rand.New(rand.NewPCG(1, uint64(worker)))
		group.Go(func() { churn(t, f, n, random, each) })
	}
	group.Wait()
	f.setFault(nil)
	p.set(nil)
	eventually(t, func() bool {
		s := n.Status()
		return s.Transports[0].Usable && s.Transports[1].Usable && s.Transport == node.REST
	})
}

func churn(t *testing.T, f *fake, n *node.Node, random *rand.Rand, count int) {
	var buf []byte
	for range count {
		b := &f.chain[random.IntN(len(f.chain))]
		ctx, cancel := context.WithCancel(t.Context())
		leaves := random.IntN(4) == 0
		if leaves {
			time.AfterFunc(time.Duration(random.IntN(400))*time.Microsecond, cancel)
		}
		var err error
		buf, err = n.Block(ctx, b.id(), buf)
		cancel()
		switch {
		case err == nil && !bytes.Equal(buf, b.raw(t)):
			t.Errorf("block %d is not its own bytes", b.Height)
		case err != nil && !(leaves && errors.Is(err, context.Canceled)):
			t.Error(err)
		}
		clear(buf[:cap(buf)]) // the race detector sees who else holds it
	}
}
