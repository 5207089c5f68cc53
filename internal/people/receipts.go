package people

import (
	"encoding/binary"
	"errors"
	"math"
)

// A Receipt says that a subscriber was told, and in which message.
type Receipt struct {
	Subscriber int64
	Message    int64 // 0 where there was no answer: it may be there
}

// packReceipts writes receipts, in the order of subscribers, in two to four
// bytes each: the gap to the subscriber before, a bit that says whether there is
// a message, and its distance from the message before.
func packReceipts(all []Receipt) []byte {
	var out []byte
	var subscriber, message int64
	for _, r := range all {
		gap := uint64(r.Subscriber-subscriber) << 1
		subscriber = r.Subscriber
		if r.Message == 0 {
			out = binary.AppendUvarint(out, gap|1)
			continue
		}
		out = binary.AppendUvarint(out, gap)
		out = binary.AppendVarint(out, r.Message-message)
		message = r.Message
	}
	return out
}

var errReceipts = errors.New("receipts that cannot be read: the database is damaged")

// readReceipts reads what packReceipts wrote.
func readReceipts(b []byte) ([]Receipt, error) {
	var out []Receipt
	var subscriber, message int64
	for len(b) > 0 {
		gap, n := binary.Uvarint(b)
		if n <= 0 || gap>>1 == 0 || int64(gap>>1) > math.MaxInt64-subscriber {
			return nil, errReceipts
		}
		b = b[n:]
		subscriber += int64(gap >> 1)
		r := Receipt{Subscriber: subscriber}
		if gap&1 == 0 {
			distance, n := binary.Varint(b)
			if n <= 0 || message+distance == 0 {
				return nil, errReceipts
			}
			b = b[n:]
			message += distance
			r.Message = message
		}
		out = append(out, r)
	}
	return out, nil
}

// FirstReceipt is the first subscriber after another in what a stretch keeps.
func FirstReceipt(b []byte, after int64) (subscriber int64, ok bool, err error) {
	all, err := readReceipts(b)
	for _, r := range all {
		if r.Subscriber > after {
			return r.Subscriber, true, err
		}
	}
	return 0, false, err
}

// WithoutMessage is what a stretch keeps, without the message in which one
// subscriber was told.
func WithoutMessage(b []byte, subscriber int64) ([]byte, error) {
	all, err := readReceipts(b)
	for k := range all {
		if all[k].Subscriber == subscriber {
			all[k].Message = 0
		}
	}
	return packReceipts(all), err
}
