package scanner

import "coffer.example/coffer/coins"

// Views is what a Source offers that is several nodes as one. Of its Tip and
// Headers, the answers between two calls of View that return the same number
// are all of one node. A question about the chain that takes several answers is
// asked again where the number changed in between: a fork put together from two
// nodes' chains could be one that no node knows.
type Views interface {
	View() uint64
}

// Judged is what a Source offers that can ask elsewhere: Refuse tells it of a
// block that it gave and that did not verify, or with the zero id of headers.
type Judged interface {
	Refuse(id coins.BlockID, err error)
}

// view returns the source's present view, always the same for one that has no
// others.
func (c *caller) view() uint64 {
	if v, ok := c.src.(Views); ok {
		return v.View()
	}
	return 0
}

// refuse tells the source what did not verify.
func (c *caller) refuse(id coins.BlockID, err error) {
	if j, ok := c.src.(Judged); ok {
		j.Refuse(id, err)
	}
}
