package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
)

// say writes a numbered step of the story.
func (s *stage) say(title, format string, args ...any) {
	s.line++
	fmt.Fprintf(s.demo.out, "%3d  %-12s  %s\n", s.line, title, fmt.Sprintf(format, args...))
}

// money writes an amount with the coin it is of.
func (s *stage) money(amount fmt.Stringer) string {
	return amount.String() + " " + strings.ToUpper(string(s.symbol))
}

// more writes a further line of the same step.
func (s *stage) more(format string, args ...any) {
	fmt.Fprintf(s.demo.out, "     %-12s  %s\n", "", fmt.Sprintf(format, args...))
}

// tell tells one coin's story.
func (s *stage) tell(ctx context.Context) error {
	p := s.coin.Params()
	fmt.Fprintf(s.demo.out, "\n%s\n\n", rule(p.Name))
	scenes := []func(context.Context) error{s.begin, s.deposit, s.reward}
	if p.Format.MWEB {
		scenes = append(scenes, s.pegOut)
	}
	if p.Format.AuxPoW {
		scenes = append(scenes, s.mergeMined)
	}
	scenes = append(scenes, s.spend, s.reorg, s.importOld, s.proof)
	for _, scene := range scenes {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return nil
}

// patience is the longest that the story waits for something to show.
const patience = 20 * time.Second

// until waits for a condition and returns how long that took.
func (s *stage) until(ctx context.Context, what string, condition func() (bool, error)) (time.Duration, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	for {
		ok, err := condition()
		if ok || err != nil {
			return time.Since(began), err
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("waited in vain for %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
}

// holds waits until an address's balance is as wanted.
func (s *stage) holds(ctx context.Context, at place, what string, want func(engine.Balance) bool) (time.Duration, error) {
	return s.until(ctx, what, func() (bool, error) {
		balance, err := s.demo.engine.Balance(ctx, s.symbol, at.address)
		return err == nil && want(balance), err
	})
}

// settle waits until the index stands at the node's tip.
func (s *stage) settle(ctx context.Context) (time.Duration, error) {
	return s.until(ctx, "the index at the node's tip", func() (bool, error) {
		status, err := s.demo.engine.Coin(ctx, s.symbol)
		return err == nil && status.Tip != nil && *status.Tip == s.chain.Tip() && status.State == engine.StateFollowing, err
	})
}

func (s *stage) mine(ctx context.Context, n int, contents ...simnode.Content) (time.Duration, error) {
	if _, err := s.chain.Mine(n, contents...); err != nil {
		return 0, err
	}
	return s.settle(ctx)
}

func (s *stage) begin(ctx context.Context) error {
	if _, err := s.settle(ctx); err != nil {
		return err
	}
	status, err := s.demo.engine.Coin(ctx, s.symbol)
	if err != nil {
		return err
	}
	s.result.Way = status.Node.Blocks
	s.say("node", "%s at block %d; blocks come by %s, news by %s", strings.Trim(status.Node.Version, "/"), status.Node.Tip.Height, status.Node.Blocks, orDash(newsOf(status.Node.Hints, " and ")))
	return nil
}

// deposit pays a watched address: seen at once, counted in a block, credited when it is deep enough.
func (s *stage) deposit(ctx context.Context) error {
	shop, err := s.place(shopAddress)
	if err != nil {
		return err
	}
	_, err = s.demo.engine.ImportAddresses(ctx, s.symbol, engine.ImportRequest{Addresses: []string{shop.address}, From: "none", Label: "shop"})
	if err != nil {
		return err
	}
	s.say("watch", "a shop watches its address %s", shop.address)
	amount := demoAmount(3)
	tx, err := s.chain.Send(simnode.TxSpec{Outputs: []simnode.Out{{Value: amount, Script: shop.script}}})
	if err != nil {
		return err
	}
	if s.result.Seen, err = s.holds(ctx, shop, "the deposit in the mempool", func(b engine.Balance) bool { return !b.Incoming.IsZero() }); err != nil {
		return err
	}
	s.say("deposit", "a customer sends %s: seen %s later, with 0 confirmations, as", s.money(amount), short(s.result.Seen))
	s.more("%s", tx.ID())
	if s.result.Counted, err = s.mine(ctx, 1); err != nil {
		return err
	}
	s.say("block", "block %d has it: 1 confirmation, counted %s after the node had the block", s.chain.Tip().Height, short(s.result.Counted))
	deep := int(s.coin.Params().Policy.Confirmations)
	if _, err := s.mine(ctx, deep-1); err != nil {
		return err
	}
	list, err := s.demo.engine.Coins(ctx, s.symbol, engine.CoinQuery{Address: shop.address, MinConfirmations: coins.Height(deep)})
	if err != nil {
		return err
	}
	if len(list.Coins) != 1 || list.Coins[0].Value != amount {
		return fmt.Errorf("after %d blocks the shop's address should hold one coin: %w", deep, errStory)
	}
	s.say("deep enough", "%d confirmations, what %s needs by default before a deposit is credited", list.Coins[0].Confirmations, s.coin.Params().Name)
	return nil
}

// errStory says that the engine did not do what the story tells.
var errStory = errors.New("the demo did not go as it should: please report this")

// reward mines to a watched address: its coins have to mature.
func (s *stage) reward(ctx context.Context) error {
	miner, err := s.place(minerAddress)
	if err != nil {
		return err
	}
	_, err = s.demo.engine.ImportAddresses(ctx, s.symbol, engine.ImportRequest{Addresses: []string{miner.address}, From: "none", Label: "miner"})
	if err != nil {
		return err
	}
	if _, err := s.mine(ctx, 1, simnode.CoinbaseTo(miner.script)); err != nil {
		return err
	}
	list, err := s.demo.engine.Coins(ctx, s.symbol, engine.CoinQuery{Address: miner.address})
	if err != nil {
		return err
	}
	if len(list.Coins) != 1 || list.Coins[0].SpendableAt == 0 {
		return fmt.Errorf("a miner's reward should be immature: %w", errStory)
	}
	reward := list.Coins[0]
	s.say("reward", "a watched miner's reward of %s is immature until block %d", s.money(reward.Value), reward.SpendableAt)
	return nil
}

// pegOut pays a watched address out of Litecoin's extension block.
func (s *stage) pegOut(ctx context.Context) error {
	at, err := s.place(pegOutAddress)
	if err != nil {
		return err
	}
	_, err = s.demo.engine.ImportAddresses(ctx, s.symbol, engine.ImportRequest{Addresses: []string{at.address}, From: "none", Label: "peg-out"})
	if err != nil {
		return err
	}
	if _, err := s.mine(ctx, 1, simnode.PegIn(demoAmount(20))); err != nil {
		return err
	}
	amount := demoAmount(5)
	if _, err := s.mine(ctx, 1, simnode.PegOut(at.script, amount)); err != nil {
		return err
	}
	list, err := s.demo.engine.Coins(ctx, s.symbol, engine.CoinQuery{Address: at.address})
	if err != nil {
		return err
	}
	if len(list.Coins) != 1 || !list.Coins[0].PegOut || list.Coins[0].Value != amount {
		return fmt.Errorf("the peg-out should be there: %w", errStory)
	}
	s.say("peg-out", "a customer pays %s out of the confidential MWEB: it arrives", s.money(amount))
	s.more("in the block's last transaction, and is found; spendable from block %d", list.Coins[0].SpendableAt)
	return nil
}

// mergeMined looks at a block that Litecoin's miners made for Dogecoin on the side.
func (s *stage) mergeMined(ctx context.Context) error {
	tip := s.chain.Tip().Height
	for height := tip; height > 0 && height > tip-demoBlocks; height-- {
		block, err := s.demo.engine.Block(ctx, s.symbol, fmt.Sprint(int(height)))
		if err != nil {
			return err
		}
		if block.MergeMined {
			s.say("merge-mined", "block %d was mined along with another chain and carries the proof (AuxPoW):", height)
			s.more("checked, and stepped over to find the %s behind it", plural(block.Transactions, "transaction", "transactions"))
			return nil
		}
	}
	return fmt.Errorf("no block is merge-mined: %w", errStory)
}

// spend spends the shop's coin.
func (s *stage) spend(ctx context.Context) error {
	shop := s.watched[0]
	list, err := s.demo.engine.Coins(ctx, s.symbol, engine.CoinQuery{Address: shop.address})
	if err != nil {
		return err
	}
	coin := list.Coins[0]
	change := coin.Value - demoAmount(2)
	spec := simnode.TxSpec{Inputs: []coins.OutPoint{coin.OutPoint}, Outputs: []simnode.Out{{Value: change, Script: shop.script}}}
	if _, err := s.chain.Send(spec); err != nil {
		return err
	}
	if _, err := s.holds(ctx, shop, "the spend in the mempool", func(b engine.Balance) bool { return !b.Outgoing.IsZero() }); err != nil {
		return err
	}
	if _, err := s.mine(ctx, 1); err != nil {
		return err
	}
	balance, err := s.demo.engine.Balance(ctx, s.symbol, shop.address)
	if err != nil {
		return err
	}
	s.say("spend", "the shop spends it, keeping %s as change: it holds %s", s.money(change), s.money(balance.Total))
	return nil
}

// reorg takes a confirmed deposit away and brings it back.
func (s *stage) reorg(ctx context.Context) error {
	shop := s.watched[0]
	before, err := s.demo.engine.Balance(ctx, s.symbol, shop.address)
	if err != nil {
		return err
	}
	amount := demoAmount(9)
	if _, err := s.chain.Send(simnode.TxSpec{Outputs: []simnode.Out{{Value: amount, Script: shop.script}}}); err != nil {
		return err
	}
	if _, err := s.mine(ctx, 2); err != nil {
		return err
	}
	old := s.chain.Tip()
	s.say("deposit", "another customer sends %s: 2 confirmations in block %d", s.money(amount), old.Height-1)
	if _, err := s.chain.Reorg(2, 3, simnode.WithoutMempool()); err != nil {
		return err
	}
	took, err := s.settle(ctx)
	if err != nil {
		return err
	}
	gone, err := s.holds(ctx, shop, "the deposit unconfirmed again", func(b engine.Balance) bool {
		return b.Confirmed.Cmp(before.Confirmed) <= 0 && !b.Incoming.IsZero()
	})
	if err != nil {
		return err
	}
	s.result.Reorgs++
	s.say("reorg", "other miners win: 2 blocks are replaced by 3. Within %s Coffer has undone", short(took+gone))
	s.more("the old ones and followed: the deposit is unconfirmed again, not lost")
	if _, err := s.mine(ctx, 1); err != nil {
		return err
	}
	if _, err := s.holds(ctx, shop, "the deposit confirmed again", func(b engine.Balance) bool {
		return b.Incoming.IsZero() && b.Confirmed.Cmp(before.Confirmed.Add(amount)) == 0
	}); err != nil {
		return err
	}
	s.say("back again", "block %d of the new branch has it: the shop holds %s", s.chain.Tip().Height, s.money(before.Confirmed.Add(amount)))
	return nil
}

// importOld imports an address that was paid before Coffer came.
func (s *stage) importOld(ctx context.Context) error {
	old, err := s.place(oldAddress)
	if err != nil {
		return err
	}
	began := time.Now()
	result, err := s.demo.engine.ImportAddresses(ctx, s.symbol, engine.ImportRequest{Addresses: []string{old.address}, From: "genesis"})
	if err != nil {
		return err
	}
	if result.Job == nil {
		return fmt.Errorf("importing from genesis should queue a job: %w", errStory)
	}
	var job engine.Job
	if _, err := s.until(ctx, "the rescan", func() (bool, error) {
		job, err = s.demo.engine.Job(ctx, s.symbol, result.Job.ID)
		return job.Ended(), err
	}); err != nil {
		return err
	}
	if job.State != "done" || job.Found == 0 {
		return fmt.Errorf("rescan %d ended %s with %d found (%s): %w", job.ID, job.State, job.Found, job.Error, errStory)
	}
	s.result.ImportIn = time.Since(began)
	history, err := s.demo.engine.History(ctx, s.symbol, engine.HistoryQuery{Address: old.address})
	if err != nil {
		return err
	}
	first := history.Events[len(history.Events)-1]
	s.say("import", "an address from before our time is imported: a job reads all %d blocks in", job.Next-job.From)
	s.more("%s, and finds the %s that it was paid in block %d", short(s.result.ImportIn), s.money(first.Value), first.Block.Height)
	return nil
}

// proof checks the index, and compares it with the node's own list of unspent outputs.
func (s *stage) proof(ctx context.Context) error {
	report, err := s.demo.engine.CheckIndex(ctx, s.symbol)
	if err != nil {
		return err
	}
	ours, total, err := s.ourCoins(ctx)
	if err != nil {
		return err
	}
	theirs := map[coins.OutPoint]coins.Amount{}
	for _, at := range s.watched {
		for _, coin := range s.chain.UTXOs(at.script) {
			theirs[coin.OutPoint] = coin.Value
		}
	}
	equal := len(ours) == len(theirs)
	for at, value := range theirs {
		equal = equal && ours[at] == value
	}
	s.result.Blocks, s.result.Coins, s.result.Total = s.chain.Tip().Height, len(ours), total
	s.result.Equal, s.result.CheckOK = equal, report.OK
	if !equal || !report.OK {
		return fmt.Errorf("index sound: %t, equal to the node: %t %v: %w", report.OK, equal, report.Violations, errStory)
	}
	s.say("proof", "every invariant of the index holds; its %s, %s together,", plural(len(ours), "coin", "coins"), s.money(total))
	s.more("are the node's own unspent outputs of these addresses, to the base unit")
	return nil
}

// ourCoins lists the confirmed coins that the index has.
func (s *stage) ourCoins(ctx context.Context) (map[coins.OutPoint]coins.Amount, coins.Total, error) {
	ours := map[coins.OutPoint]coins.Amount{}
	var total coins.Total
	query := engine.CoinQuery{MinConfirmations: 1}
	for {
		list, err := s.demo.engine.Coins(ctx, s.symbol, query)
		if err != nil {
			return nil, total, err
		}
		for _, coin := range list.Coins {
			ours[coin.OutPoint] = coin.Value
			total = total.Add(coin.Value)
		}
		if list.Next == "" {
			return ours, total, nil
		}
		query.After = list.Next
	}
}
