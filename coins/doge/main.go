package doge

import (
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/core"
)

// mainnet returns the parameters of the main network.
func mainnet() coins.Params {
	genesis := core.Genesis{
		Hash:       "1a91e3dace36e2be3bf030a65679fe821aa1d6ef92e7c9902eb318182c355691",
		MerkleRoot: "5b2a3f53f605d62c53e62932dac6925e3d74afa5a4b459745c36d42d0ed26a69",
		Time:       1386325540,
		Bits:       0x1e0ffff0,
		Nonce:      99943,
	}
	return coins.Params{
		Symbol:     symbol,
		Name:       "Dogecoin",
		Network:    coins.Main,
		Format:     coins.Format{AuxPoW: true, MaxBlock: maxBlock},
		Classifier: coins.Core014,
		Address: coins.AddressParams{
			P2PKH:     []byte{30},
			P2SH:      []byte{22},
			WIF:       158,
			HDPublic:  0x02facafd,
			HDPrivate: 0x02fac398,
			SLIP44:    3,
		},
		Chain: coins.ChainParams{
			Genesis:       genesis.BlockHash(),
			GenesisHeader: genesis.Header(),
			Magic:         [4]byte{0xc0, 0xc0, 0xc0, 0xc0},
			Maturity:      []coins.MaturityRule{{From: 0, Blocks: 30}, {From: 145_000, Blocks: 240}},
			SegwitFrom:    coins.MaxHeight,
			TaprootFrom:   coins.MaxHeight,
			AuxPoWFrom:    371_337,
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
			RPCPort:         22555,
			P2PPort:         22556,
			ProtocolVersion: 70015,
		},
	}
}
