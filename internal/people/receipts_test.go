package people

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestReceiptsAreKept(t *testing.T) {
	for _, all := range [][]Receipt{
		nil,
		{{1, 1}},
		{{1, 0}},
		{{5, 900}, {6, 901}, {7, 0}, {9, 899}, {math.MaxInt64, math.MaxInt64}},
	} {
		got, err := readReceipts(packReceipts(all))
		if err != nil || !slices.Equal(got, all) {
			t.Errorf("%v are read as %v, %v", all, got, err)
		}
	}
}

// What a million people leave behind is a few bytes each.
func TestReceiptsAreSmall(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var all []Receipt
	message := int64(80_000_000)
	for id := int64(1); len(all) < 1000; id += 1 + r.Int64N(2) {
		message += r.Int64N(40) - 15 // answers come out of order
		all = append(all, Receipt{id, message})
	}
	if n := len(packReceipts(all)); n > 2500 {
		t.Errorf("1000 receipts take %d bytes", n)
	}
}

func FuzzReceipts(f *testing.F) {
	f.Add(packReceipts([]Receipt{{5, 900}, {6, 901}, {7, 0}}))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := readReceipts(b)
		if err != nil {
			return
		}
		last := int64(0)
		for _, r := range all {
			if r.Subscriber <= last {
				t.Fatalf("%v are not in order", all)
			}
			last = r.Subscriber
		}
		again, err := readReceipts(packReceipts(all))
		if err != nil || !slices.Equal(again, all) {
			t.Fatalf("%v are written and read as %v, %v", all, again, err)
		}
	})
}
