package simnode

import "time"

// Protocol names the way that a question came.
type Protocol string

// The protocols.
const (
	ProtocolRPC  Protocol = "rpc"
	ProtocolREST Protocol = "rest"
	ProtocolP2P  Protocol = "p2p"
	ProtocolZMQ  Protocol = "zmq"
)

// Query is what a fault is decided on, just before the answer goes out.
type Query struct {
	Protocol Protocol
	// Method is the RPC method, the REST path, the peer message or the ZMQ topic.
	Method string
	// Serial counts the queries of the node, from 1.
	Serial uint64
}

// Faults decides what goes wrong. It is called for each answer, from several
// goroutines at once. The zero Fault stands for none.
type Faults func(Query) Fault

// Fault is one thing that goes wrong with an answer.
type Fault struct {
	// Delay comes before anything else.
	Delay time.Duration
	// Status answers over HTTP with this status and an empty body: 503 is what a
	// node says whose work queue is full.
	Status int
	// Cut sends so many bytes of the answer and then closes the connection; a
	// negative value closes it at once.
	Cut int
	// Garbage sends bytes that mean nothing in the answer's place.
	Garbage bool
	// Change is given the answer and returns what is sent instead: the body over
	// HTTP, the payload of a peer message (whose checksum will be right).
	Change func([]byte) []byte
	// Stop ends the node in the middle of the answer.
	Stop bool
	// Drop says nothing at all: a peer that stalls, a feed that falls silent. Over
	// HTTP the connection stays open until the client gives up.
	Drop bool
	// Twice sends a peer message, or a published one, a second time.
	Twice bool
}

// garbage is what a node sends that has lost its mind.
const garbage = "\x00\xff<html>not what you asked for</html>\x00{[\xfe"

func (f *Fault) apply(answer []byte) []byte {
	if f.Garbage {
		answer = []byte(garbage)
	}
	if f.Change != nil {
		answer = f.Change(answer)
	}
	return answer
}

// broken reports whether the answer ends in a closed connection.
func (f *Fault) broken() bool { return f.Cut != 0 || f.Stop }

// keep returns how much of an answer is sent before the connection is closed.
func (f *Fault) keep(size int) int {
	switch {
	case f.Stop:
		return size / 2
	case f.Cut < 0:
		return 0
	}
	return min(f.Cut, size)
}
