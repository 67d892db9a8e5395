package node

import (
	"slices"
	"time"

	"coffer.example/coffer/coins"
)

// seen is what a pool knows of one of its nodes: all that the choice depends on.
type seen struct {
	// asked says that the node has answered or failed at least once; ok that it
	// answered the last time, and since when it does or does not.
	asked, ok bool
	since     time.Time
	foreign   bool // it is of another chain
	tip       coins.BlockID
	work      Work
	// behind is since when another node's chain has had more work; zero while
	// none has. far says that it is more than a little behind.
	behind time.Time
	far    bool
	// barred is until when the node is passed over for what it gave.
	barred time.Time
	// fork is how its chain differs from that of the node in use; nil while it
	// does not.
	fork *Fork
}

// Health is how a node of a pool is doing.
type Health string

// The healths, best first.
const (
	// HealthOK: it can be used.
	HealthOK Health = "ok"
	// HealthBehind: other nodes have been ahead of it for too long.
	HealthBehind Health = "behind"
	// HealthBarred: what it gave did not verify; it is passed over for a while.
	HealthBarred Health = "barred"
	// HealthStarting: it was not asked yet.
	HealthStarting Health = "starting"
	// HealthDown: it does not answer.
	HealthDown Health = "down"
	// HealthForeign: it is of another coin or network, and never used.
	HealthForeign Health = "wrong chain"
)

func (s *seen) health(now time.Time, o *PoolOptions) Health {
	switch {
	case s.foreign:
		return HealthForeign
	case !s.asked:
		return HealthStarting
	case !s.ok:
		return HealthDown
	case now.Before(s.barred):
		return HealthBarred
	case s.late(now, o):
		return HealthBehind
	}
	return HealthOK
}

// late reports whether the node has been behind the others for too long.
func (s *seen) late(now time.Time, o *PoolOptions) bool {
	if s.behind.IsZero() {
		return false
	}
	after := now.Sub(s.behind)
	return s.far && after >= o.LagAfter || after >= o.StallAfter
}

// rank orders healths, best first.
func rank(h Health) int {
	order := [...]Health{HealthOK, HealthBehind, HealthBarred, HealthStarting, HealthDown, HealthForeign}
	return slices.Index(order[:], h)
}

// choose returns the node to use: the one in use as long as no healthier one
// is there, and a more preferred one that has proved itself.
func choose(now time.Time, nodes []seen, inUse int, o *PoolOptions) int {
	best := inUse
	if nodes[inUse].health(now, o) == HealthStarting {
		return inUse // it is being asked
	}
	for i := range nodes {
		better := rank(nodes[i].health(now, o)) - rank(nodes[best].health(now, o))
		if better < 0 {
			best = i
		}
	}
	if best != inUse {
		return best
	}
	for i := range inUse {
		if nodes[i].proved(now, &nodes[inUse], o) {
			return i
		}
	}
	return inUse
}

// proved reports whether a more preferred node may be returned to: healthy for
// long enough, and not behind the one in use.
func (s *seen) proved(now time.Time, used *seen, o *PoolOptions) bool {
	if s.health(now, o) != HealthOK || now.Sub(s.since) < o.ReturnAfter || now.Sub(s.barred) < o.ReturnAfter || !s.behind.IsZero() {
		return false
	}
	ahead := s.work.Compare(used.work)
	return ahead > 0 || ahead == 0 && s.tip == used.tip
}

// compareWork notes which nodes are behind the one with the most work. first
// says that a node had no chance to keep up yet, so that there is nothing to
// wait for.
func compareWork(now time.Time, nodes []seen, first bool, o *PoolOptions) {
	best := -1
	for i := range nodes {
		if s := &nodes[i]; s.ok && !s.foreign && !now.Before(s.barred) && (best < 0 || s.work.Compare(nodes[best].work) > 0) {
			best = i
		}
	}
	for i := range nodes {
		s := &nodes[i]
		if !s.ok {
			continue
		}
		if best < 0 || s.work.Compare(nodes[best].work) >= 0 {
			s.behind, s.far = time.Time{}, false
			continue
		}
		s.far = nodes[best].tip.Height-s.tip.Height > o.LagBlocks || s.fork != nil || nodes[best].fork != nil
		if s.behind.IsZero() {
			if s.behind = now; first && s.far {
				s.behind = now.Add(-o.LagAfter)
			}
		}
	}
}

// lag returns by how many blocks the node is behind the highest.
func lag(nodes []seen, i int) coins.Height {
	var top coins.Height
	for j := range nodes {
		if nodes[j].ok {
			top = max(top, nodes[j].tip.Height)
		}
	}
	if !nodes[i].ok {
		return 0
	}
	return top - nodes[i].tip.Height
}
