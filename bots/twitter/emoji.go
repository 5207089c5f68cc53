package twitter

import "strings"

// The emoji that take part in sequences, as in the version of twemoji-parser
// (11.0.2, Unicode 11) that twitter-text 3.1.0 counts with. A single emoji
// weighs what any heavy character does and need not be known.
const (
	// shown as text unless U+FE0F follows
	emojiByVariation = "©®™♟" +
		"‼⁉ℹ↔↕↖↗↘↙↩↪⌚⌛⌨⏏⏭⏮⏯⏱⏲⏸⏹⏺Ⓜ▪▫▶◀◻◼◽◾☀☁☂☃☄☎☑☔☕☘☠☢☣☦☪☮☯☸☹☺♀♂♈♉♊♋♌♍♎♏♐♑♒♓♠♣♥♦♨♻♿⚒⚓⚔⚕⚖⚗⚙⚛⚜⚠⚡⚪⚫" +
		"⚰⚱⚽⚾⛄⛅⛈⛏⛑⛓⛔⛩⛪⛰⛱⛲⛳⛴⛵⛸⛺⛽✂✈✉✏✒✔✖✝✡✳✴❄❇❗❣❤➡⤴⤵⬅⬆⬇⬛⬜⭐⭕〰〽㊗㊙" +
		"🀄🅰🅱🅾🅿🈂🈚🈯🈷🌡🌤🌥🌦🌧🌨🌩🌪🌫🌬🌶🍽🎖🎗🎙🎚🎛🎞🎟🏍🏎🏔🏕🏖🏗🏘🏙🏚🏛🏜🏝🏞🏟🏳🏵🏷🐿👁📽🕉🕊🕯🕰🕳🕶🕷🕸🕹🖇🖊🖋🖌🖍🖥🖨🖱🖲🖼" +
		"🗂🗃🗄🗑🗒🗓🗜🗝🗞🗡🗣🗨🗯🗳🗺🛋🛍🛎🛏🛠🛡🛢🛣🛤🛥🛩🛰🛳"

	// the same, and may have a skin tone
	emojiByVariationTone = "☝⛷⛹✌✍🏋🏌🕴🕵🖐"

	// may have a skin tone
	emojiTone = "✊✋🎅🏂🏃🏄🏇🏊👂👃👆👇👈👉👊👋👌👍👎👏👐👦👧👨👩👮👰👱👲👳👴👵👶👷👸👼💁💂💃💅💆💇💪🕺🖕🖖🙅🙆🙇🙋🙌🙍🙎🙏🚣🚴🚵🚶🛀🛌" +
		"🤘🤙🤚🤛🤜🤞🤟🤦🤰🤱🤲🤳🤴🤵🤶🤷🤸🤹🤽🤾🦵🦶🦸🦹🧑🧒🧓🧔🧕🧖🧗🧘🧙🧚🧛🧜🧝"

	// may be a woman or a man: with a tone or U+FE0F, with or without a tone, never with one
	emojiGenderMarked = "⛹🏋🏌🕴🕵"
	emojiGender       = "🏃🏄🏊👮👱👳👷💁💂💆💇🙅🙆🙇🙋🙍🙎🚣🚴🚵🚶🤦🤵🤷🤸🤹🤽🤾🦸🦹🧖🧗🧘🧙🧚🧛🧜🧝"
	emojiGenderPlain  = "👯🤼🧞🧟"

	emojiProfession      = "🌾🍳🎓🎤🎨🏫🏭💻💼🔧🔬🚀🚒🦰🦱🦲🦳"
	emojiProfessionPlain = "⚕⚖✈" // with U+FE0F after it

	// regions that have a flag
	emojiFlags = " AC AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ" +
		" CA CC CD CF CG CH CI CK CL CM CN CO CP CR CU CV CW CX CY CZ DE DG DJ DK DM DO DZ EA EC EE EG EH ER ES ET EU FI FJ FK FM FO FR" +
		" GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU IC ID IE IL IM IN IO IQ IR IS IT JE JM JO JP" +
		" KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ" +
		" NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW" +
		" SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ" +
		" UA UG UM UN US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW "
)

const (
	joiner    = 0x200D
	variation = 0xFE0F
	keycap    = 0x20E3
	man       = '👨'
	woman     = '👩'
	boy       = '👦'
	girl      = '👧'
	blackFlag = '🏴'
)

// emojiSequence returns how many runes at the beginning of r make one emoji
// together, or 0 when it begins with no sequence.
func emojiSequence(r []rune) int {
	if len(r) < 2 || r[0] < '#' {
		return 0
	}
	for _, form := range []func([]rune) int{emojiJoined, emojiKeycap, emojiVaried, emojiFlag} {
		if n := form(r); n > 0 {
			return n
		}
	}
	return 0
}

// begins returns the number of runes in parts if r begins with one rune of
// each part, otherwise 0.
func begins(r []rune, parts ...string) int {
	if len(r) < len(parts) {
		return 0
	}
	for i, set := range parts {
		if !strings.ContainsRune(set, r[i]) {
			return 0
		}
	}
	return len(parts)
}

func isTone(r rune) bool { return 0x1F3FB <= r && r <= 0x1F3FF }

func emojiKeycap(r []rune) int {
	const keys, end = "#*0123456789", string(rune(keycap))
	return max(begins(r, keys, end), begins(r, keys, string(rune(variation)), end))
}

// emojiVaried is an emoji with its presentation, its skin tone, or both.
func emojiVaried(r []rune) int {
	both := strings.ContainsRune(emojiByVariationTone, r[0])
	switch {
	case r[1] == variation && both && len(r) > 2 && isTone(r[2]):
		return 3
	case r[1] == variation && (both || strings.ContainsRune(emojiByVariation, r[0])):
		return 2
	case isTone(r[1]) && (both || strings.ContainsRune(emojiTone, r[0])):
		return 2
	}
	return 0
}

// emojiFlag is a region, or England, Scotland or Wales.
func emojiFlag(r []rune) int {
	const first, last = 0x1F1E6, 0x1F1FF // regional indicators A and Z
	if first <= r[0] && r[0] <= last && first <= r[1] && r[1] <= last {
		region := string([]rune{' ', 'A' + r[0] - first, 'A' + r[1] - first, ' '})
		if strings.Contains(emojiFlags, region) {
			return 2
		}
		return 0
	}
	const tag, cancel = 0xE0000, 0xE007F // tag characters mirror ASCII
	if r[0] != blackFlag || len(r) < 7 || r[6] != cancel {
		return 0
	}
	var name strings.Builder
	for _, t := range r[1:6] {
		name.WriteRune(t - tag)
	}
	switch name.String() {
	case "gbeng", "gbsct", "gbwls":
		return 7
	}
	return 0
}

// emojiJoined is a sequence with U+200D.
func emojiJoined(r []rune) int {
	mark := 1 // where the joiner is
	if isTone(r[1]) || r[1] == variation {
		mark = 2
	}
	if len(r) < mark+2 || r[mark] != joiner {
		return 0
	}
	adult := r[0] == man || r[0] == woman
	next := r[mark+1:]
	varied := len(next) > 1 && next[1] == variation
	switch {
	case adult && r[1] != variation && strings.ContainsRune(emojiProfession, next[0]):
		return mark + 2
	case adult && r[1] != variation && varied && strings.ContainsRune(emojiProfessionPlain, next[0]):
		return mark + 3
	case varied && (next[0] == '♀' || next[0] == '♂') && hasGender(r[0], r[1]):
		return mark + 3
	case mark == 1 && adult:
		return emojiFamily(r)
	case mark == 2 && r[0] == '🏳' && r[1] == variation && next[0] == '🌈':
		return 4
	case mark == 1 && r[0] == blackFlag && next[0] == '☠' && varied:
		return 4
	case mark == 1 && r[0] == '👁' && next[0] == '🗨':
		return 3
	}
	return 0
}

func hasGender(base, after rune) bool {
	switch {
	case after == joiner:
		return strings.ContainsRune(emojiGender+emojiGenderPlain, base)
	case after == variation:
		return strings.ContainsRune(emojiGenderMarked, base)
	}
	return strings.ContainsRune(emojiGenderMarked+emojiGender, base) // a tone
}

// emojiFamily is a couple, or one or two parents with one or two children. r
// begins with a parent.
func emojiFamily(r []rune) int {
	const (
		join     = string(rune(joiner))
		heart    = "❤"
		shown    = string(rune(variation))
		kiss     = "💋"
		children = string(boy) + string(girl)
	)
	parent, partners := string(r[0]), string(man)
	if r[0] == woman {
		partners += string(woman)
	}
	if n := begins(r, parent, join, heart, shown, join, kiss, join, partners); n > 0 {
		return n
	}
	if n := begins(r, parent, join, heart, shown, join, partners); n > 0 {
		return n
	}
	parents := 1
	second := string(woman) // a man comes first
	if r[0] == man {
		second += string(man)
	}
	if begins(r, parent, join, second) > 0 {
		parents = 3
	}
	rest := r[parents:]
	pair := max(begins(rest, join, string(boy), join, string(boy)), begins(rest, join, string(girl), join, children))
	if n := max(pair, begins(rest, join, children)); n > 0 {
		return parents + n
	}
	return 0
}
