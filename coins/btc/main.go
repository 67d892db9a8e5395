package btc

import (
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/core"
)

// mainnet returns the parameters of the main network.
func mainnet() coins.Params {
	genesis := core.Genesis{
		Hash:       "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
		MerkleRoot: "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
		Time:       1231006505,
		Bits:       0x1d00ffff,
		Nonce:      2083236893,
	}
	return coins.Params{
		Symbol:     symbol,
		Name:       "Bitcoin",
		Network:    coins.Main,
		Format:     coins.Format{Segwit: true, MaxBlock: maxBlock},
		Classifier: coins.Core029,
		Address: coins.AddressParams{
			P2PKH:     []byte{0},
			P2SH:      []byte{5},
			HRP:       "bc",
			WIF:       128,
			HDPublic:  0x0488b21e,
			HDPrivate: 0x0488ade4,
			HDAliases: []coins.HDAlias{ // SLIP-132: ypub, zpub, Ypub, Zpub
				{Public: 0x049d7cb2, Form: coins.HDNestedKey}, {Public: 0x04b24746, Form: coins.HDWitnessKey},
				{Public: 0x0295b43f, Form: coins.HDNestedScript}, {Public: 0x02aa7ed3, Form: coins.HDWitnessScript},
			},
			SLIP44: 0,
		},
		Chain: coins.ChainParams{
			Genesis:       genesis.BlockHash(),
			GenesisHeader: genesis.Header(),
			Magic:         [4]byte{0xf9, 0xbe, 0xb4, 0xd9},
			Maturity:      []coins.MaturityRule{{From: 0, Blocks: 100}},
			SegwitFrom:    481_824,
			TaprootFrom:   709_632,
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
			RPCPort:         8332,
			P2PPort:         8333,
			ProtocolVersion: 70016,
			WitnessFlag:     0x40000000,
		},
	}
}
