package btc

import (
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/core"
)

// testnet4 returns the parameters of the fourth test network (BIP 94).
func testnet4() coins.Params {
	genesis := core.Genesis{
		Hash:       "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
		MerkleRoot: "7aa0a7ae1e223414cb807e40cd57e667b718e42aaf9306db9102fe28912b7b4e",
		Time:       1714777860,
		Bits:       0x1d00ffff,
		Nonce:      393743547,
	}
	return coins.Params{
		Symbol:     symbol,
		Name:       "Bitcoin",
		Network:    coins.Testnet4,
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
			Magic:         [4]byte{0x1c, 0x16, 0x3f, 0x28},
			Maturity:      []coins.MaturityRule{{From: 0, Blocks: 100}},
			SegwitFrom:    1,
			TaprootFrom:   0,
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
			RPCPort:         48332,
			P2PPort:         48333,
			ProtocolVersion: 70016,
			WitnessFlag:     0x40000000,
		},
	}
}
