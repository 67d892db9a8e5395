package simnode

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"coffer.example/coffer/coins"
)

// Activity makes random things happen to a chain, in the same order for the
// same seed: blocks with payments to watched scripts and spends of them, what
// comes and goes in the mempool, reorganisations. It is for soak and kill
// tests, whose truth is then [Chain.UTXOs].
type Activity struct {
	// Watched are the scripts that are paid and spent from.
	Watched [][]byte
	// TxsPerBlock is how many transactions a block has at most; 0 stands for 8.
	TxsPerBlock int
	// MaxReorg is how deep reorganisations go; 0 stands for 6, and a negative
	// value for none.
	MaxReorg int

	chain *Chain
	rng   *rand.Rand
}

// NewActivity prepares random activity on a chain, which needs mature coins of
// its own: see [Chain.Fund].
func NewActivity(chain *Chain, seed uint64, watched ...[]byte) *Activity {
	return &Activity{
		Watched: watched, TxsPerBlock: 8, MaxReorg: 6,
		chain: chain, rng: rand.New(rand.NewPCG(seed, chain.config.Seed)),
	}
}

// Step makes one thing happen and says what. An error is one of the chain's own
// and not of the randomness: what cannot be done is left out.
func (a *Activity) Step() (what string, err error) {
	switch dice := a.rng.IntN(20); {
	case dice < 8:
		return a.mine(1 + a.rng.IntN(2))
	case dice < 14:
		return a.send()
	case dice < 15:
		return a.evict()
	case dice < 16:
		return a.replace()
	case dice < 17 && a.chain.params.Format.MWEB:
		id, err := a.chain.SendMWEB()
		return "mweb " + id.String(), err
	case dice < 19 && a.MaxReorg > 0:
		return a.reorg()
	}
	return a.mine(1)
}

// mine makes blocks of random contents.
func (a *Activity) mine(n int) (string, error) {
	ids, err := a.chain.Mine(n, a.contents()...)
	return fmt.Sprintf("mine %v", ids), err
}

func (a *Activity) reorg() (string, error) {
	depth := 1 + a.rng.IntN(a.MaxReorg)
	if int(a.chain.Tip().Height)-depth < int(a.chain.params.Chain.MaturityMax())+2 {
		return a.mine(1)
	}
	length := depth + a.rng.IntN(3) // as long as the old branch: nothing changes
	ids, err := a.chain.Reorg(depth, length, a.contents()...)
	return fmt.Sprintf("reorg %d: %v", depth, ids), err
}

// contents are payments, chains, spends and filler, each made when its block
// is.
func (a *Activity) contents() (contents []Content) {
	seed := a.rng.Uint64()
	count := a.rng.IntN(max(a.TxsPerBlock, 1) + 1)
	return []Content{func(d *draft) error {
		rng := rand.New(rand.NewPCG(seed, uint64(d.view.height)))
		for range count {
			if err := a.one(rng)(d); err != nil {
				return err
			}
		}
		return a.pegs(d, rng)
	}}
}

// one is a random transaction. A chain that has run out of coins has none.
func (a *Activity) one(rng *rand.Rand) Content {
	amount := coins.Amount(20_000 + rng.Int64N(5_000_000))
	switch dice := rng.IntN(10); {
	case dice < 4 && len(a.Watched) > 0:
		return affordable(Pay(a.pick(rng), amount))
	case dice < 6 && len(a.Watched) > 0:
		return a.spendWatched(rng)
	case dice < 7 && len(a.Watched) > 0:
		return affordable(ChainOf(1+rng.IntN(4), a.pick(rng), amount))
	case dice < 8:
		return affordable(Data([]byte("activity")))
	}
	return affordable(FanOut(1+rng.IntN(20), 20_000))
}

func (a *Activity) pick(rng *rand.Rand) []byte { return a.Watched[rng.IntN(len(a.Watched))] }

// affordable leaves a content out where the chain has no coins for it.
func affordable(content Content) Content {
	return func(d *draft) error {
		if err := content(d); err != nil && d.view.lacksFunds() {
			return nil
		} else if err != nil {
			return err
		}
		return nil
	}
}

// lacksFunds reports whether nothing of the chain's own is left to spend.
func (v *view) lacksFunds() bool {
	const little = 20_000_000
	_, err := v.pick(little, make(map[coins.OutPoint]bool))
	return err != nil
}

// spendWatched spends a watched coin of the block's branch to elsewhere.
func (a *Activity) spendWatched(rng *rand.Rand) Content {
	return func(d *draft) error {
		found := d.chain.selectCoins(func(coin Coin) bool {
			_, unspent := d.view.coin(coin.OutPoint)
			return unspent && d.chain.mature(coin, d.view.height) && a.watches(coin.Script)
		})
		if len(found) == 0 {
			return nil
		}
		coin := found[rng.IntN(len(found))]
		out := Out{Value: coin.Value / 2, Script: AnyScript(rng, d.chain.params.Format)}
		return affordable(Spend(TxSpec{Inputs: []coins.OutPoint{coin.OutPoint}, Outputs: []Out{out}}))(d)
	}
}

func (a *Activity) watches(script []byte) bool {
	return slices.ContainsFunc(a.Watched, func(w []byte) bool { return string(w) == string(script) })
}

// pegs moves coins in and out of the MWEB, where there is one.
func (a *Activity) pegs(d *draft, rng *rand.Rand) error {
	c := d.chain
	if !c.params.Format.MWEB || d.view.height < c.config.MWEBFrom {
		return nil
	}
	const peg = 50_000_000
	if held := d.parent.hog; held.value >= 4*peg && len(a.Watched) > 0 && rng.IntN(3) == 0 {
		return PegOut(a.pick(rng), peg)(d)
	}
	if rng.IntN(3) == 0 {
		return affordable(PegIn(2 * peg))(d)
	}
	return nil
}

// send puts a payment to a watched script into the mempool, sometimes one that
// spends an unconfirmed one.
func (a *Activity) send() (string, error) {
	if len(a.Watched) == 0 {
		return a.mine(1)
	}
	spec := TxSpec{Outputs: []Out{{Value: coins.Amount(20_000 + a.rng.Int64N(1_000_000)), Script: a.pick(a.rng)}}}
	tx, err := a.chain.Send(spec)
	if err != nil {
		return a.mine(1) // no coins are free: confirm what waits
	}
	return "send " + tx.ID().String(), nil
}

// waiting returns a random unconfirmed transaction with inputs.
func (a *Activity) waiting() (coins.TxID, bool) {
	a.chain.mu.RLock()
	defer a.chain.mu.RUnlock()
	order := a.chain.pool.order
	if len(order) == 0 {
		return coins.TxID{}, false
	}
	entry := order[a.rng.IntN(len(order))]
	return entry.id, !entry.mwebOnly()
}

func (a *Activity) evict() (string, error) {
	id, ok := a.waiting()
	if !ok {
		return a.send()
	}
	return "evict " + id.String(), a.chain.Evict(id)
}

func (a *Activity) replace() (string, error) {
	id, ok := a.waiting()
	if !ok {
		return a.send()
	}
	tx, err := a.chain.Replace(id)
	if err != nil {
		return "replace " + id.String(), err
	}
	return fmt.Sprintf("replace %s by %s", id, tx.ID()), nil
}
