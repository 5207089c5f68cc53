package incident

import (
	"bytes"
	"crypto/sha256"
	"math/big"
	"regexp"
	"strings"
)

// A coinWord says what a word is to a wallet.
type coinWord int

const (
	noCoin coinWord = iota
	walletAddress
	walletKey
)

var (
	coinForm    = regexp.MustCompile(`[0-9A-Za-z]{25,}`)
	etherForm   = regexp.MustCompile(`^0[xX][0-9a-fA-F]{40}$`) // other lengths are hashes, and 40 digits alone a commit
	solanaForm  = regexp.MustCompile(`^[1-9A-HJ-NP-Za-km-z]{43,44}$`)
	walletNear  = regexp.MustCompile(`(?i)\b(?:sol|solana|spl|wallets?|address(?:es)?)\b|钱包|錢包|地址`)
	keyPrefixes = regexp.MustCompile(`(?i)^(?:nsec1|[xyztuv]prv)`)
)

// wallets refuses addresses that money could be sent to, and keys to wallets.
func (l *linter) wallets(s string) {
	for line := range strings.Lines(s) {
		for _, word := range coinForm.FindAllString(line, -1) {
			switch coin := coinOf(word); {
			case coin == walletKey:
				l.refuse("holds a wallet's private key (%s): take it out, and move what it opens", hinted(word))
			case coin == walletAddress || solana(word) && walletNear.MatchString(line):
				l.refuse("holds a wallet address (%s): take it out; nobody can tell yours from an impostor's", hinted(word))
			}
		}
	}
}

// coinOf tells addresses and keys by their checksums, so that a hash, an id or
// a build number is none.
func coinOf(word string) coinWord {
	key := keyPrefixes.MatchString(word)
	switch n := base58Check(word); {
	case n == 37-4 || n == 38-4 || n == 82-4 && key: // Bitcoin's wallet import format, BIP 32
		return walletKey
	case n == 25-4 || n == 26-4 || n == 82-4: // version and hash: Bitcoin, Tron, Litecoin, Dogecoin, XRP; Zcash has two bytes of version
		return walletAddress
	case bech32(word) && key:
		return walletKey
	case bech32(word) || etherForm.MatchString(word):
		return walletAddress
	}
	return noCoin
}

// The digits of Base58, as Bitcoin and as XRP order them.
const (
	base58Bitcoin = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	base58XRP     = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
)

// base58Check is the length of what a word in Base58Check holds, in bytes
// without the checksum, or 0 if it is no such word.
func base58Check(word string) int {
	if len(word) > 112 { // the longest are keys of BIP 32
		return 0
	}
	for _, digits := range []string{base58Bitcoin, base58XRP} {
		b, ok := base58(word, digits)
		if !ok || len(b) < 5 {
			continue
		}
		payload, sum := b[:len(b)-4], b[len(b)-4:]
		once := sha256.Sum256(payload)
		if twice := sha256.Sum256(once[:]); bytes.Equal(twice[:4], sum) {
			return len(payload)
		}
	}
	return 0
}

// base58 decodes a word. Leading zeros stand for zero bytes.
func base58(word, digits string) ([]byte, bool) {
	n, base := new(big.Int), big.NewInt(58)
	for _, c := range []byte(word) {
		d := strings.IndexByte(digits, c)
		if d < 0 {
			return nil, false
		}
		n.Add(n.Mul(n, base), big.NewInt(int64(d)))
	}
	zeros := len(word) - len(strings.TrimLeft(word, digits[:1]))
	return append(make([]byte, zeros), n.Bytes()...), true
}

// bech32 reports whether a word's checksum is that of Bech32 (BIP 173) or
// Bech32m (BIP 350), whatever chain its prefix names. Longer words than the
// standard's 90 characters are in use (Cardano, Lightning).
func bech32(word string) bool {
	lower := strings.ToLower(word)
	sep := strings.LastIndexByte(word, '1')
	if sep < 1 || len(word)-sep < 20 || word != lower && word != strings.ToUpper(word) {
		return false
	}
	sum := uint32(1)
	for _, c := range []byte(lower[:sep]) {
		sum = bech32Step(sum, c>>5)
	}
	sum = bech32Step(sum, 0)
	for _, c := range []byte(lower[:sep]) {
		sum = bech32Step(sum, c&31)
	}
	for _, c := range []byte(lower[sep+1:]) {
		d := strings.IndexByte("qpzry9x8gf2tvdw0s3jn54khce6mua7l", c)
		if d < 0 {
			return false
		}
		sum = bech32Step(sum, byte(d))
	}
	return sum == 1 || sum == 0x2bc830a3
}

// bech32Step takes five more bits into the checksum.
func bech32Step(sum uint32, bits byte) uint32 {
	top := sum >> 25
	sum = sum&0x1ffffff<<5 ^ uint32(bits)
	for i, g := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
		if top>>i&1 == 1 {
			sum ^= g
		}
	}
	return sum
}

// solana reports whether a word could be an address of Solana: 32 bytes in
// Base58 without a checksum, so the words around it have to agree.
func solana(word string) bool {
	if !solanaForm.MatchString(word) {
		return false
	}
	b, ok := base58(word, base58Bitcoin)
	return ok && len(b) == 32
}
