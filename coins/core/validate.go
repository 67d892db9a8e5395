package core

import (
	"errors"
	"fmt"
	"strings"

	"coffer.example/coffer/coins"
)

// faults gathers what is wrong, so that all of it is reported at once.
type faults []error

func (f *faults) when(wrong bool, format string, args ...any) {
	if wrong {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

// validate checks that parameters are complete and do not contradict each other.
func validate(p *coins.Params) error {
	var found faults
	found.when(p.Symbol == "", "symbol is missing")
	found.when(p.Name == "", "name is missing")
	found.when(p.Network == "", "network is missing")
	found.when(p.Classifier < coins.Core014 || p.Classifier > coins.Core029, "classifier %d is unknown", p.Classifier)
	found.when(p.Format.MaxBlock < coins.HeaderSize || p.Format.MaxBlock > 1<<30, "longest block %d is not from 80 bytes to 1 GiB", p.Format.MaxBlock)
	found.address(p)
	found.chain(p)
	found.policy(&p.Policy)
	found.node(p)
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrParams, errors.Join(found...))
}

func (f *faults) address(p *coins.Params) {
	a := &p.Address
	f.when(len(a.P2PKH) == 0, "no P2PKH version")
	f.when(len(a.P2SH) == 0, "no P2SH version")
	seen := make(map[byte]bool)
	for _, versions := range [][]byte{a.P2PKH, a.P2SH, a.P2SHForeign} {
		for _, version := range versions {
			f.when(seen[version], "address version %d stands twice", version)
			seen[version] = true
		}
	}
	f.when(p.Format.Segwit != (a.HRP != ""), "segwit and the human readable part %q contradict each other", a.HRP)
	f.when(p.Format.MWEB != (a.MWEBHRP != ""), "MWEB and the human readable part %q contradict each other", a.MWEBHRP)
	f.when(p.Format.MWEB && !p.Format.Segwit, "MWEB needs segwit")
	f.when(a.HRP != "" && a.HRP == a.MWEBHRP, "human readable part %q stands twice", a.HRP)
	for _, hrp := range []string{a.HRP, a.MWEBHRP} {
		f.when(!goodHRP(hrp), "human readable part %q is not of lower case letters and digits without a 1", hrp)
	}
	f.when(a.HDPublic == a.HDPrivate, "BIP 32 versions are missing or equal")
	hd := map[uint32]bool{a.HDPublic: true, a.HDPrivate: true}
	for _, alias := range a.HDAliases {
		f.when(hd[alias.Public], "BIP 32 version %08x stands twice", alias.Public)
		f.when(alias.Form != coins.HDAny && !p.Format.Segwit, "BIP 32 version %08x is for %s, which needs segwit", alias.Public, alias.Form)
		hd[alias.Public] = true
	}
	f.when(a.WIF == 0, "WIF version is missing")
	f.when(p.Network != coins.Main && a.SLIP44 != 1, "SLIP-44 type %d, test networks have 1", a.SLIP44)
}

// goodHRP allows fewer characters than BIP 173: none that people would mistake
// for the separator, and short enough for 40 bytes in 90 characters.
func goodHRP(hrp string) bool {
	const longest = 90 - 1 - 1 - 64 - 6
	for _, r := range hrp {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz023456789", r) {
			return false
		}
	}
	return len(hrp) <= longest
}

func (f *faults) chain(p *coins.Params) {
	c := &p.Chain
	f.when(c.GenesisHeader.Hash() != c.Genesis, "genesis header hashes to %s, genesis is %s", c.GenesisHeader.Hash(), c.Genesis)
	f.when(c.GenesisHeader.Prev() != coins.BlockHash{}, "genesis header has a parent")
	f.when(c.Magic == [4]byte{}, "message magic is missing")
	f.when(len(c.Maturity) == 0 || c.Maturity[0].From != 0, "the first maturity rule is not from height 0")
	for i, rule := range c.Maturity {
		f.when(rule.Blocks < 1, "maturity from height %d is %d blocks", rule.From, rule.Blocks)
		f.when(i > 0 && rule.From <= c.Maturity[i-1].From, "maturity rules are not in order of height")
	}
	f.when(p.Format.MWEB != (c.PegOutMaturity > 0), "MWEB and peg-out maturity %d contradict each other", c.PegOutMaturity)
	f.when(c.SegwitFrom < 0 || c.TaprootFrom < 0 || c.AuxPoWFrom < 0, "an activation height is negative")
	f.when(!p.Format.Segwit && (c.SegwitFrom != coins.MaxHeight || c.TaprootFrom != coins.MaxHeight), "segwit or taproot has a height, but the format has none")
	f.when(p.Format.AuxPoW == (c.AuxPoWFrom == coins.MaxHeight), "merge mining and its height %d contradict each other", c.AuxPoWFrom)
	f.when(c.Interval <= 0, "block interval is missing")
	f.when(c.MaxMoney <= 0, "largest amount is missing")
}

func (f *faults) policy(p *coins.PolicyParams) {
	// The largest script that pays a fee has 10,000 bytes; this keeps its dust
	// limit far inside an Amount.
	const highestRate = 1_000 * coins.PerKVByte(coins.Unit)
	f.when(p.DustRate < 0 || p.DustRate > highestRate, "dust rate %d is not from 0 to %d", p.DustRate, highestRate)
	f.when((p.DustRate > 0) == (p.HardDust > 0), "dust is by rate or by hard limit, one of them")
	f.when(p.HardDust < 0 || p.SoftDust < p.HardDust, "soft dust %s is below hard dust %s", p.SoftDust, p.HardDust)
	f.when(p.DustRate > 0 && p.SoftDust != 0, "soft dust with a dust rate")
	f.when(p.RelayFloor <= 0 || p.WalletFloor < p.RelayFloor, "wallet floor %d is below relay floor %d, or none", p.WalletFloor, p.RelayFloor)
	f.when(p.Replaceable > coins.ReplaceAlways, "replacement stance %d is unknown", p.Replaceable)
	f.when(p.MempoolExpiry <= 0, "mempool expiry is missing")
	f.when(p.MaxAncestors < 1 || p.MaxAncestorSize < 1, "limits of unconfirmed chains are missing")
	f.when(p.MaxStandardWeight < 1, "heaviest standard transaction is missing")
	f.when(p.Confirmations < 1 || p.FinalDepth < p.Confirmations || p.MaxReorg < p.FinalDepth,
		"confirmations %d, final depth %d and longest reorg %d are not in order", p.Confirmations, p.FinalDepth, p.MaxReorg)
}

func (f *faults) node(p *coins.Params) {
	n := &p.Node
	f.when(n.Daemon == "", "daemon's name is missing")
	f.when(n.RPCPort == 0 || n.P2PPort == 0 || n.RPCPort == n.P2PPort, "ports %d and %d", n.RPCPort, n.P2PPort)
	f.when(n.ProtocolVersion == 0, "protocol version is missing")
	f.when(p.Format.Segwit != (n.WitnessFlag != 0), "segwit and the inventory flag %#x contradict each other", n.WitnessFlag)
}
