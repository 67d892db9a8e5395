package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/descriptor"
	"coffer.example/coffer/utxo"
)

// Deriving is the set of extended keys and descriptors that are watched.
type Deriving interface {
	// ImportXpub watches what an extended public key or a descriptor derives, durably when it returns, and queues the
	// job that reads its past.
	ImportXpub(ctx context.Context, coin coins.Symbol, request XpubRequest) (XpubResult, error)
	// Xpubs lists them in the order of import.
	Xpubs(ctx context.Context, coin coins.Symbol, page Page) (XpubList, error)
	// Xpub returns one.
	Xpub(ctx context.Context, coin coins.Symbol, id XpubID) (Xpub, error)
	// NextAddress gives out an address that was never given out nor paid. It is durably watched when it returns, and so
	// is that it was given out: nobody gets it again.
	NextAddress(ctx context.Context, coin coins.Symbol, id XpubID, request NextRequest) (NextAddress, error)
}

// XpubID numbers the extended keys and descriptors of a coin.
type XpubID = utxo.SourceID

// XpubRequest asks to watch what a key or a descriptor derives.
type XpubRequest struct {
	// Key is an extended public key or a descriptor.
	Key string `json:"key"`
	// Gap is how many addresses behind the last used one are watched at least; 0 is 20.
	Gap uint32 `json:"gap,omitempty"`
	// From is as in [ImportRequest].
	From  string `json:"from,omitempty"`
	Label string `json:"label,omitempty"`
}

// XpubResult says what an import did.
type XpubResult struct {
	Xpub Xpub `json:"xpub"`
	// Added counts the scripts that were not watched before; Known says that the key was.
	Added int  `json:"added"`
	Known bool `json:"known"`
	// Job reads the past; nil where there is none to read.
	Job *Job `json:"job,omitempty"`
}

// Xpub is a watched extended key or descriptor.
type Xpub struct {
	ID    XpubID `json:"id"`
	Label string `json:"label,omitempty"`
	// Descriptor is the canonical text, with its checksum.
	Descriptor string       `json:"descriptor"`
	Gap        uint32       `json:"gap"`
	From       coins.Height `json:"from"`
	// State is live, or scanning while its past is being read by Job.
	State string    `json:"state"`
	Job   JobID     `json:"job,omitempty"`
	Added time.Time `json:"added"`
	// Receiving is the branch that addresses are given out from.
	Receiving uint32       `json:"receiving_branch"`
	Branches  []XpubBranch `json:"branches"`
}

// XpubBranch is one branch of a descriptor: one of its paths, for one form of a combo.
type XpubBranch struct {
	Branch uint32 `json:"branch"`
	// Path is that of its first script below the extended key.
	Path string `json:"path,omitempty"`
	// Derived addresses are watched; Used is one more than the highest index ever paid, Issued than the highest given out.
	Derived uint32 `json:"derived"`
	Used    uint32 `json:"used"`
	Issued  uint32 `json:"issued"`
}

// XpubList is a page of them.
type XpubList struct {
	Xpubs []Xpub `json:"xpubs"`
	Next  string `json:"next,omitempty"`
}

// NextRequest asks for an unused address.
type NextRequest struct {
	// Branch is the one to take it from; nil is the receiving branch.
	Branch *uint32 `json:"branch,omitempty"`
}

// NextAddress is an address that was given out.
type NextAddress struct {
	Coin    coins.Symbol `json:"coin"`
	Address string       `json:"address"`
	Origin
}

// Origin says how an address is derived.
type Origin struct {
	Xpub   XpubID `json:"xpub"`
	Branch uint32 `json:"branch"`
	Index  uint32 `json:"index"`
	// Path is below the extended key, for a combo with its form before it.
	Path string `json:"path,omitempty"`
}

// derive is what the index reads descriptors with.
func (p *part) derive(text string) (utxo.Scripts, error) { return descriptor.Parse(text, p.coin) }

// ImportXpub is [Deriving]'s.
func (e *Engine) ImportXpub(ctx context.Context, coin coins.Symbol, request XpubRequest) (XpubResult, error) {
	p, err := e.part(coin)
	if err != nil {
		return XpubResult{}, err
	}
	parsed, err := descriptor.Parse(request.Key, p.coin)
	if err != nil {
		return XpubResult{}, err
	}
	from, past, err := p.from(ctx, request.From)
	if err != nil {
		return XpubResult{}, err
	}
	watched, err := p.openWatched(ctx)
	if err != nil {
		return XpubResult{}, err
	}
	index := watched.index
	tip, next, err := p.next(ctx, index)
	if err != nil {
		return XpubResult{}, err
	}
	birth := next
	if past && from < next {
		if err := p.checkPruned(ctx, from); err != nil {
			return XpubResult{}, err
		}
		birth = from
	}
	added, err := watched.addSource(ctx, utxo.SourceSpec{Text: parsed.String(), Gap: request.Gap, Label: request.Label}, birth)
	if err != nil {
		return XpubResult{}, err
	}
	result := XpubResult{Added: added.Added, Known: added.Known}
	if result.Xpub, err = p.xpub(ctx, index, added.ID); err != nil || added.Job == 0 {
		return result, err
	}
	p.nudge()
	record, err := p.findJob(ctx, index, added.Job, tip)
	result.Job = &record
	return result, err
}

// xpub describes one source.
func (p *part) xpub(ctx context.Context, index *utxo.Index, id XpubID) (Xpub, error) {
	src, found, err := index.Source(ctx, id)
	if err == nil && !found {
		err = fmt.Errorf("%s has no xpub %d, `coffer xpub list %s` lists them: %w", p.config.Symbol, id, p.config.Symbol, ErrNotFound)
	}
	if err != nil {
		return Xpub{}, err
	}
	return p.describeXpub(&src)
}

func (p *part) describeXpub(src *utxo.Source) (Xpub, error) {
	parsed, err := descriptor.Parse(src.Text, p.coin)
	if err != nil {
		return Xpub{}, err
	}
	shown := Xpub{
		ID: src.ID, Label: src.Label, Descriptor: src.Text, Gap: src.Gap, From: src.From, State: watchState(src.State), Job: src.Job,
		Added: src.Added, Receiving: parsed.Receiving(),
	}
	for i, b := range src.Branches {
		branch := uint32(i)
		shown.Branches = append(shown.Branches, XpubBranch{
			Branch: branch, Path: parsed.Path(branch, 0), Derived: b.Derived, Used: b.Used, Issued: b.Issued,
		})
	}
	return shown, nil
}

// Xpubs is [Deriving]'s.
func (e *Engine) Xpubs(ctx context.Context, coin coins.Symbol, page Page) (XpubList, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return XpubList{}, err
	}
	sources, next, err := index.Sources(ctx, indexPage(page))
	if err != nil {
		return XpubList{}, err
	}
	list := XpubList{Xpubs: make([]Xpub, 0, len(sources)), Next: next}
	for i := range sources {
		shown, err := p.describeXpub(&sources[i])
		if err != nil {
			return XpubList{}, err
		}
		list.Xpubs = append(list.Xpubs, shown)
	}
	return list, nil
}

// Xpub is [Deriving]'s.
func (e *Engine) Xpub(ctx context.Context, coin coins.Symbol, id XpubID) (Xpub, error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return Xpub{}, err
	}
	return p.xpub(ctx, index, id)
}

// NextAddress is [Deriving]'s.
func (e *Engine) NextAddress(ctx context.Context, coin coins.Symbol, id XpubID, request NextRequest) (NextAddress, error) {
	p, err := e.part(coin)
	if err != nil {
		return NextAddress{}, err
	}
	watched, err := p.openWatched(ctx)
	if err != nil {
		return NextAddress{}, err
	}
	xpub, err := p.xpub(ctx, watched.index, id)
	if err != nil {
		return NextAddress{}, err
	}
	branch := xpub.Receiving
	if request.Branch != nil {
		branch = *request.Branch
	}
	if int(branch) >= len(xpub.Branches) {
		return NextAddress{}, fmt.Errorf("xpub %d has branches 0 to %d, not %d: %w", id, len(xpub.Branches)-1, branch, ErrInput)
	}
	parsed, err := descriptor.Parse(xpub.Descriptor, p.coin)
	if err != nil {
		return NextAddress{}, err
	}
	script, err := parsed.Script(branch, 0)
	if err != nil {
		return NextAddress{}, err
	}
	if _, ok := p.coin.Address(script); !ok {
		return NextAddress{}, fmt.Errorf("scripts of branch %d of xpub %d have no address: %w", branch, id, ErrInput)
	}
	issued, script, err := watched.issue(ctx, id, xpub.Descriptor, branch)
	if errors.Is(err, utxo.ErrScanning) {
		err = fmt.Errorf("%w: `coffer rescan show %s %d` tells how far it is", err, coin, xpub.Job)
	}
	if err != nil {
		return NextAddress{}, err
	}
	return NextAddress{Coin: coin, Address: p.address(script), Origin: Origin{id, branch, issued, parsed.Path(branch, issued)}}, nil
}

// namer names the paths of derived scripts; it parses each descriptor once.
type namer struct {
	part   *part
	index  *utxo.Index
	parsed map[XpubID]*descriptor.Descriptor
}

func (p *part) namer(index *utxo.Index) *namer {
	return &namer{part: p, index: index, parsed: map[XpubID]*descriptor.Descriptor{}}
}

func (n *namer) origins(ctx context.Context, list []utxo.Origin) (shown []Origin, err error) {
	for _, o := range list {
		parsed := n.parsed[o.Source]
		if parsed == nil {
			src, found, err := n.index.Source(ctx, o.Source)
			if err != nil || !found {
				return shown, err
			}
			if parsed, err = descriptor.Parse(src.Text, n.part.coin); err != nil {
				return shown, err
			}
			n.parsed[o.Source] = parsed
		}
		shown = append(shown, Origin{o.Source, o.Branch, o.Index, parsed.Path(o.Branch, o.Index)})
	}
	return shown, nil
}
