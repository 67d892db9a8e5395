package btc

import (
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/core"
)

// signet returns the parameters of the default signet (BIP 325).
func signet() coins.Params {
	genesis := core.Genesis{
		Hash:       "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
		MerkleRoot: "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
		Time:       1598918400,
		Bits:       0x1e0377ae,
		Nonce:      52613770,
	}
	return coins.Params{
		Symbol:     symbol,
		Name:       "Bitcoin",
		Network:    coins.Signet,
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
			Magic:         [4]byte{0x0a, 0x03, 0xcf, 0x40},
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
			RPCPort:         38332,
			P2PPort:         38333,
			ProtocolVersion: 70016,
			WitnessFlag:     0x40000000,
		},
	}
}
