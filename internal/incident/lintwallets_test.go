package incident

import (
	"strings"
	"testing"
)

func TestLintWallets(t *testing.T) {
	const address, key = "holds a wallet address", "holds a wallet's private key"
	checkRefused(t, LintContext{}, []linted{
		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", address}, // Bitcoin's first
		{"Send to:3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy.", address},
		{"请转至1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa。", address},
		{"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", address}, // Tron
		{"rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh", address}, // XRP
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", address},
		{"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", address},
		{"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", address},
		{"_0x52908400098527886E0F7030069857D2E4169EE7_", address},
		{"0x52908400098527886e0f7030069857d2e4169ee7", address},
		{"Our Solana wallet is EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", address},
		{"地址：EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", address},
		{"5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", key},
		{"xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi", key},

		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", ""}, // a wrong checksum
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", ""},
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kV8f3t4", ""}, // mixed case is not allowed
		{"commit 52908400098527886e0f7030069857d2e4169ee7", ""},
		{"transaction 0x" + strings.Repeat("5a", 32), ""},
		{"session EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", ""}, // nothing says that it is one
		{"Elektrizitätsversorgungsgesellschaft 11111111111111111111111111111", ""},
	})
}

func TestLintShowsNoSecretWhole(t *testing.T) {
	const key = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"
	got, _ := Lint(Text{"en": key}, "", LintContext{})
	if len(got) != 1 || strings.Contains(got[0], key[:8]) || !strings.Contains(got[0], `"5Hue…"`) {
		t.Errorf("%q shows more than the beginning of the key", got)
	}
}
