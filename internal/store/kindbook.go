package store

import (
	"context"
	"encoding/binary"
	"strconv"
	"strings"
	"sync"

	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// kindPage reads the kinds of a bot after an id as one text, since to hand over a
// row of each costs more than to find it. It also says what has that id now.
const kindPage = `SELECT count(*), coalesce(max(id), 0), coalesce(string_agg(name, ';'), ''), coalesce((SELECT name FROM audience_kind WHERE id = ?), '')
	FROM (SELECT id, name FROM audience_kind WHERE ` + ofBot + ` AND id > ? ORDER BY id LIMIT ?) AS page`

const (
	kindsRead  = 1000    // by one statement
	kindsRoom  = 8 << 20 // bytes that a bot's kinds may take, some 20 each; where there are more, people are looked at
	kindsFresh = 1 << 19 // bytes that came after what was read at first, at least, until all is read anew: some is gone since
)

// A kindBook is what this process knows of kinds. Some may be gone already.
type kindBook struct {
	room, fresh int // bytes
	mu          sync.Mutex
	of          map[string]*kinds // by bot
}

func newKindBook() *kindBook {
	return &kindBook{room: kindsRoom, fresh: kindsFresh, of: map[string]*kinds{}}
}

// kinds are those of a bot. A hundred thousand are made of few words.
type kinds struct {
	pages  []string // kinds, packed; a page never changes
	words  []string // languages and components
	number map[string]int
	last   int64  // the id of the last kind
	name   string // of the same
	bytes  int    // of all pages and words
	first  int    // of those that were read at first
}

// read returns the kinds of a bot, or that there are too many, after it has read
// those that are new, or all of them anew. It is the first to read in its
// transaction: with kinds of a later moment than people, somebody who chose
// something else in between would be found in neither.
func (b *kindBook) read(ctx context.Context, tx *tx, bot string, anew bool) (known kinds, fit bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.of[bot]
	if k == nil || anew || k.bytes-k.first > max(k.first, b.fresh) {
		k = &kinds{}
		b.of[bot] = k
	}
	err = k.read(ctx, tx, bot, b.room)
	return *k, k.bytes <= b.room, err
}

func (k *kinds) read(ctx context.Context, tx *tx, bot string, room int) error {
	all := k.last == 0
	for k.bytes <= room {
		var n int
		var last int64
		var page, name string
		if err := tx.QueryRowContext(ctx, kindPage, k.last, bot, k.last, kindsRead).Scan(&n, &last, &page, &name); err != nil {
			return err
		}
		if name != "" && name != k.name { // a standby has taken over that had not received all of this
			*k, all = kinds{}, true
			continue
		}
		if n > 0 {
			k.add(page)
			k.last, k.name = last, strings.Clone(page[strings.LastIndexByte(page, ';')+1:])
		}
		if n < kindsRead {
			if all {
				k.first = k.bytes
			}
			return nil
		}
	}
	k.pages, k.words, k.number = nil, nil, nil
	return nil
}

// add adds kinds whose names stand between semicolons.
func (k *kinds) add(names string) {
	var page []byte
	for name := range strings.SplitSeq(names, ";") {
		page = k.pack(page, name)
	}
	k.pages, k.bytes = append(k.pages, string(page)), k.bytes+len(page)
}

// pack appends a kind. One whose name does not say all that was chosen is kept by
// this name.
func (k *kinds) pack(page []byte, name string) []byte {
	p, ok := ofKind(name)
	if !ok {
		return appendText(append(page, 0), name)
	}
	page = binary.AppendUvarint(page, 1+uint64(k.word(p.Language)))
	page = append(page, byte(rank(p.Impact)))
	page = append(page, byte(len(p.Incidents)))
	for _, ref := range p.Incidents {
		page = appendText(page, ref)
	}
	if p.All {
		return append(page, 0)
	}
	page = append(page, 1+byte(len(p.Components)))
	for _, c := range p.Components {
		page = binary.AppendUvarint(page, uint64(k.word(c)))
	}
	return page
}

// unpack takes the first kind off a page: who chose so, or only its name.
func (k *kinds) unpack(page string, who *people.Subscriber) (name, rest string) {
	language, page := cutNumber(page)
	if language == 0 {
		return cutText(page)
	}
	impact, page := cutNumber(page)
	incidents, page := cutNumber(page)
	*who = people.Subscriber{Language: k.words[language-1], Impact: incident.Impacts[impact], Incidents: who.Incidents[:0], Components: who.Components[:0]}
	for range incidents {
		var ref string
		ref, page = cutText(page)
		who.Incidents = append(who.Incidents, ref)
	}
	components, page := cutNumber(page)
	who.All = components == 0
	for range components - 1 {
		var word int
		word, page = cutNumber(page)
		who.Components = append(who.Components, k.words[word])
	}
	return "", page
}

// word is the number of a word.
func (k *kinds) word(w string) int {
	n, ok := k.number[w]
	if !ok {
		if k.number == nil {
			k.number = map[string]int{}
		}
		n, w = len(k.words), strings.Clone(w)
		k.words, k.number[w] = append(k.words, w), n
		k.bytes += len(w) + 64
	}
	return n
}

// ofKind is somebody of a kind. It returns false where the name does not tell.
func ofKind(name string) (p people.Subscriber, ok bool) {
	part := strings.SplitN(name, "/", 4)
	if len(part) < 4 || len(part[3]) >= kindCut {
		return p, false
	}
	impact, err := strconv.ParseInt(part[1], 10, 64)
	p = (&subscriberRow{language: part[0], impact: impact, incidents: part[2], components: part[3]}).subscriber()
	return p, err == nil && len(p.Incidents) < 100 && len(p.Components) < 100 && kindName(&p) == name
}

// kindName is what the expression of a kind says of somebody.
func kindName(p *people.Subscriber) string {
	return p.Language + "/" + strconv.Itoa(rank(p.Impact)) + "/" + spaced(p.Incidents) + "/" + componentList(p)
}

func appendText(page []byte, text string) []byte {
	return append(binary.AppendUvarint(page, uint64(len(text))), text...)
}

func cutText(page string) (text, rest string) {
	n, page := cutNumber(page)
	return page[:n], page[n:]
}

func cutNumber(page string) (n int, rest string) {
	for k := range len(page) {
		n |= int(page[k]&0x7f) << (7 * k)
		if page[k] < 0x80 {
			return n, page[k+1:]
		}
	}
	return n, ""
}
