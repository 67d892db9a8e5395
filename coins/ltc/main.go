package ltc

import (
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/core"
)

// mainnet returns the parameters of the main network.
func mainnet() coins.Params {
	genesis := core.Genesis{
		Hash:       "12a765e31ffd4059bada1e25190f6e98c99d9714d334efa41a195a7e7e04bfe2",
		MerkleRoot: "97ddfbbae6be97fd6cdf3e7ca13232a3afff2353e29badfab7f73011edd4ced9",
		Time:       1317972665,
		Bits:       0x1e0ffff0,
		Nonce:      2084524493,
	}
	return coins.Params{
		Symbol:     symbol,
		Name:       "Litecoin",
		Network:    coins.Main,
		Format:     coins.Format{Segwit: true, MWEB: true, MaxBlock: maxBlock},
		Classifier: coins.Core021,
		Address: coins.AddressParams{
			P2PKH:       []byte{48},
			P2SH:        []byte{50},
			P2SHForeign: []byte{5}, // Bitcoin's, which Litecoin once wrote
			HRP:         "ltc",
			MWEBHRP:     "ltcmweb",
			WIF:         176,
			HDPublic:    0x0488b21e,
			HDPrivate:   0x0488ade4,
			HDAliases: []coins.HDAlias{ // SLIP-132: Ltub, Mtub, ypub, zpub, Ypub, Zpub
				{Public: 0x019da462, Form: coins.HDAny}, {Public: 0x01b26ef6, Form: coins.HDNestedKey},
				{Public: 0x049d7cb2, Form: coins.HDNestedKey}, {Public: 0x04b24746, Form: coins.HDWitnessKey},
				{Public: 0x0295b43f, Form: coins.HDNestedScript}, {Public: 0x02aa7ed3, Form: coins.HDWitnessScript},
			},
			SLIP44: 2,
		},
		Chain: coins.ChainParams{
			Genesis:        genesis.BlockHash(),
			GenesisHeader:  genesis.Header(),
			Magic:          [4]byte{0xfb, 0xc0, 0xb6, 0xdb},
			Maturity:       []coins.MaturityRule{{From: 0, Blocks: 100}},
			PegOutMaturity: 6,
			SegwitFrom:     1_201_536,
			TaprootFrom:    2_161_152,
			AuxPoWFrom:     coins.MaxHeight,
			Interval:       150 * time.Second,
			MaxMoney:       84_000_000 * coins.Unit,
		},
		Policy: coins.PolicyParams{
			DustRate:          30_000,
			RelayFloor:        1_000,
			WalletFloor:       10_000,
			Replaceable:       coins.ReplaceNever,
			MempoolExpiry:     336 * time.Hour,
			MaxAncestors:      25,
			MaxAncestorSize:   101_000,
			MaxStandardWeight: 400_000,
			Confirmations:     6,
			FinalDepth:        12,
			MaxReorg:          1_152,
		},
		Node: coins.NodeParams{
			Daemon:          "litecoind",
			RPCPort:         9332,
			P2PPort:         9333,
			ProtocolVersion: 70016,
			WitnessFlag:     0x40000000,
		},
	}
}
