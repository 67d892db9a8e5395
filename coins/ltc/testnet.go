package ltc

import (
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/core"
)

// testnet returns the parameters of the fourth test network.
func testnet() coins.Params {
	genesis := core.Genesis{
		Hash:       "4966625a4b2851d9fdee139e56211a0d88575f59ed816ff5e6a63deb4e3e29a0",
		MerkleRoot: "97ddfbbae6be97fd6cdf3e7ca13232a3afff2353e29badfab7f73011edd4ced9",
		Time:       1486949366,
		Bits:       0x1e0ffff0,
		Nonce:      293345,
	}
	return coins.Params{
		Symbol:     symbol,
		Name:       "Litecoin",
		Network:    coins.Test,
		Format:     coins.Format{Segwit: true, MWEB: true, MaxBlock: maxBlock},
		Classifier: coins.Core021,
		Address: coins.AddressParams{
			P2PKH:       []byte{111},
			P2SH:        []byte{58},
			P2SHForeign: []byte{196}, // Bitcoin's, which Litecoin once wrote
			HRP:         "tltc",
			MWEBHRP:     "tmweb",
			WIF:         239,
			HDPublic:    0x043587cf,
			HDPrivate:   0x04358394,
			HDAliases: []coins.HDAlias{ // SLIP-132: ttub, upub, vpub, Upub, Vpub
				{Public: 0x0436f6e1, Form: coins.HDAny},
				{Public: 0x044a5262, Form: coins.HDNestedKey}, {Public: 0x045f1cf6, Form: coins.HDWitnessKey},
				{Public: 0x024289ef, Form: coins.HDNestedScript}, {Public: 0x02575483, Form: coins.HDWitnessScript},
			},
			SLIP44: 1,
		},
		Chain: coins.ChainParams{
			Genesis:        genesis.BlockHash(),
			GenesisHeader:  genesis.Header(),
			Magic:          [4]byte{0xfd, 0xd2, 0xc8, 0xf1},
			Maturity:       []coins.MaturityRule{{From: 0, Blocks: 100}},
			PegOutMaturity: 6,
			SegwitFrom:     6_048,
			TaprootFrom:    2_225_664,
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
			RPCPort:         19332,
			P2PPort:         19335,
			ProtocolVersion: 70016,
			WitnessFlag:     0x40000000,
		},
	}
}
