package twitter

import "strings"

// punycodeLength is the length of a domain's label in its ASCII form (RFC
// 3492), the prefix xn-- included where it needs one. Full stops of other
// scripts divide it, as in the library that twitter-text uses. A label that is
// too long however it is written counts as 64.
func punycodeLength(label string) int {
	const tooLong = 64
	if len(label) > 4*tooLong {
		return tooLong
	}
	length := -1
	for part := range strings.SplitSeq(strings.NewReplacer("。", ".", "．", ".", "｡", ".").Replace(label), ".") {
		length += 1 + partLength([]rune(part))
	}
	return length
}

// partLength counts what RFC 3492's encoder (section 6.3) would write.
func partLength(runes []rune) int {
	const (
		base, tmin, tmax      = 36, 1, 26
		firstBias, firstPoint = 72, 0x80
		prefix                = len("xn--")
	)
	basic := 0
	for _, r := range runes {
		if r < firstPoint {
			basic++
		}
	}
	if basic == len(runes) {
		return basic
	}
	length, done := prefix+basic, basic
	if basic > 0 {
		length++ // the hyphen after the basic characters
	}
	point, delta, bias := rune(firstPoint), 0, firstBias
	for done < len(runes) {
		next := smallestFrom(runes, point)
		delta += int(next-point) * (done + 1)
		point = next
		for _, r := range runes {
			if r < point {
				delta++
			}
			if r != point {
				continue
			}
			q := delta
			for k := base; ; k += base {
				length++
				t := min(max(k-bias, tmin), tmax)
				if q < t {
					break
				}
				q = (q - t) / (base - t)
			}
			bias = adapt(delta, done+1, done == basic)
			delta = 0
			done++
		}
		delta++
		point++
	}
	return length
}

func smallestFrom(runes []rune, least rune) rune {
	smallest := rune(0x7FFFFFFF)
	for _, r := range runes {
		if r >= least && r < smallest {
			smallest = r
		}
	}
	return smallest
}

// adapt is RFC 3492's bias adaptation (section 6.1).
func adapt(delta, points int, first bool) int {
	const base, tmin, tmax, skew, damp = 36, 1, 26, 38, 700
	if first {
		delta /= damp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for ; delta > (base-tmin)*tmax/2; k += base {
		delta /= base - tmin
	}
	return k + (base-tmin+1)*delta/(delta+skew)
}
