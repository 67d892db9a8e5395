package sha256d

// slots is how many messages are in hand at once: two in the lanes, the others
// copied ahead. A message that is hashed right after it was copied makes the
// processor wait for its own writes; copying one while it hashes others costs
// next to nothing.
const slots = 8

// queue holds the messages in hand and brings them to the two lanes.
type queue struct {
	messages [slots]message
	free     [slots]*message // free[:frees] are not in use
	frees    int
	ready    [slots]*message // ready[first%slots] is the next for a lane
	first    uint
	readies  uint
	a, b     *message // in the lanes; nil in an idle one
}

// reset drops every message.
func (q *queue) reset() {
	for i := range q.messages {
		q.messages[i].drop()
		q.free[i] = &q.messages[i]
	}
	q.frees, q.readies, q.a, q.b = slots, 0, nil, nil
}

// add takes on a message; when none is free it hashes until one is.
func (q *queue) add(state *[Size]byte, head, body, tail []byte) {
	if q.frees == 0 {
		q.step()
	}
	q.frees--
	m := q.free[q.frees]
	m.begin(state, head, body, tail)
	q.ready[(q.first+q.readies)%slots] = m
	q.readies++
}

// step fills the lanes and hashes side by side until one of them is through
// with its message. It reports false when there are not two messages.
func (q *queue) step() bool {
	q.a, q.b = q.orNext(q.a), q.orNext(q.b)
	a, b := q.a, q.b
	for a != nil && b != nil {
		count := min(a.blocks, b.blocks)
		compress(a.state, b.state, a.first(), b.first(), count)
		aDone, bDone := a.advance(count), b.advance(count)
		if aDone {
			q.a = q.release(a)
		}
		if bDone {
			q.b = q.release(b)
		}
		if aDone || bDone {
			return true
		}
	}
	return false
}

// orNext returns what a lane holds, or what comes next.
func (q *queue) orNext(m *message) *message {
	if m == nil && q.readies > 0 {
		m = q.ready[q.first%slots]
		q.first++
		q.readies--
	}
	return m
}

func (q *queue) release(m *message) (none *message) {
	q.free[q.frees] = m
	q.frees++
	return nil
}

// drain hashes all that is left. The last message is hashed in both lanes, in
// one for nothing: two cost little more than one.
func (q *queue) drain() {
	for q.step() {
	}
	m := q.a
	if m == nil {
		m = q.b
	}
	var unused [Size]byte
	for done := m == nil; !done; {
		count := m.blocks
		compress(m.state, &unused, m.first(), m.first(), count)
		done = m.advance(count)
	}
}
