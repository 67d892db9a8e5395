package doge

import (
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/core"
)

// regtest returns the parameters of the regression test network.
func regtest() coins.Params {
	genesis := core.Genesis{
		Hash:       "3d2160a3b5dc4a9d62e7e66a295f70313ac808440ef7400d6c0772171ce973a5",
		MerkleRoot: "5b2a3f53f605d62c53e62932dac6925e3d74afa5a4b459745c36d42d0ed26a69",
		Time:       1296688602,
		Bits:       0x207fffff,
		Nonce:      2,
	}
	return coins.Params{
		Symbol:     symbol,
		Name:       "Dogecoin",
		Network:    coins.Regtest,
		Format:     coins.Format{AuxPoW: true, MaxBlock: maxBlock},
		Classifier: coins.Core014,
		Address: coins.AddressParams{
			P2PKH:     []byte{111},
			P2SH:      []byte{196},
			WIF:       239,
			HDPublic:  0x043587cf,
			HDPrivate: 0x04358394,
			SLIP44:    1,
		},
		Chain: coins.ChainParams{
			Genesis:       genesis.BlockHash(),
			GenesisHeader: genesis.Header(),
			Magic:         [4]byte{0xfa, 0xbf, 0xb5, 0xda},
			Maturity:      []coins.MaturityRule{{From: 0, Blocks: 60}},
			SegwitFrom:    coins.MaxHeight,
			TaprootFrom:   coins.MaxHeight,
			AuxPoWFrom:    20,
			Interval:      60 * time.Second,
			MaxMoney:      10_000_000_000 * coins.Unit,
		},
		Policy: coins.PolicyParams{
			HardDust:          100_000,
			SoftDust:          1_000_000,
			RelayFloor:        100_000,
			WalletFloor:       1_000_000,
			Replaceable:       coins.ReplaceOptIn,
			MempoolExpiry:     24 * time.Hour,
			MaxAncestors:      25,
			MaxAncestorSize:   101_000,
			MaxStandardWeight: 400_000,
			Confirmations:     40,
			FinalDepth:        60,
			MaxReorg:          2_880,
		},
		Node: coins.NodeParams{
			Daemon:          "dogecoind",
			RPCPort:         18332,
			P2PPort:         18444,
			ProtocolVersion: 70015,
		},
	}
}
