package btc

import (
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/core"
)

// testnet returns the parameters of the third test network.
func testnet() coins.Params {
	genesis := core.Genesis{
		Hash:       "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
		MerkleRoot: "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
		Time:       1296688602,
		Bits:       0x1d00ffff,
		Nonce:      414098458,
	}
	return coins.Params{
		Symbol:     symbol,
		Name:       "Bitcoin",
		Network:    coins.Test,
		Format:     coins.Format{Segwit: true, MaxBlock: maxBlock},
		Classifier: coins.Core029,
		Address: coins.AddressParams{
			P2PKH:     []byte{111},
			P2SH:      []byte{196},
			HRP:       "tb",
			WIF:       239,
			HDPublic:  0x043587cf,
			HDPrivate: 0x04358394,
			HDAliases: []coins.HDAlias{ // SLIP-132: upub, vpub, Upub, Vpub
				{Public: 0x044a5262, Form: coins.HDNestedKey}, {Public: 0x045f1cf6, Form: coins.HDWitnessKey},
				{Public: 0x024289ef, Form: coins.HDNestedScript}, {Public: 0x02575483, Form: coins.HDWitnessScript},
			},
			SLIP44: 1,
		},
		Chain: coins.ChainParams{
			Genesis:       genesis.BlockHash(),
			GenesisHeader: genesis.Header(),
			Magic:         [4]byte{0x0b, 0x11, 0x09, 0x07},
			Maturity:      []coins.MaturityRule{{From: 0, Blocks: 100}},
			SegwitFrom:    834_624,
			TaprootFrom:   2_011_968,
			AuxPoWFrom:    coins.MaxHeight,
			Interval:      600 * time.Second,
			MaxMoney:      21_000_000 * coins.Unit,
		},
		Policy: coins.PolicyParams{
			DustRate:          3_000,
			RelayFloor:        1_000,
			WalletFloor:       1_000,
			Replaceable:       coins.ReplaceAlways,
			MempoolExpiry:     336 * time.Hour,
			MaxAncestors:      25,
			MaxAncestorSize:   101_000,
			MaxStandardWeight: 400_000,
			Confirmations:     3,
			FinalDepth:        6,
			MaxReorg:          288,
		},
		Node: coins.NodeParams{
			Daemon:          "bitcoind",
			RPCPort:         18332,
			P2PPort:         18333,
			ProtocolVersion: 70016,
			WitnessFlag:     0x40000000,
		},
	}
}
