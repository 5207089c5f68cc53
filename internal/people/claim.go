package people

// A Claim is what somebody asks about.
type Claim struct {
	Text   string   // an account, a link, or the text of a message
	Links  []string // where it leads that the text does not show; empty for a button without an address
	Beside bool     // a picture, a file or the like comes with it
}

// Judge compares a claim with what was published. We publish nothing but text: what
// shows our words and leads elsewhere, or shows something else too, is not ours as it
// is.
func (b *Book) Judge(c Claim) Verdict {
	v := b.Verify(c.Text)
	where, led := b.elsewhere(c.Links)
	switch v.Finding {
	case Ours, Corrected, Retracted:
		if led || c.Beside {
			v.Finding, v.Led, v.Beside = Altered, led, !led
		}
	case OurPlace:
		if led {
			return where
		}
		if c.Beside { // which may say anything
			return Verdict{Finding: Unknown}
		}
	}
	return v
}

// elsewhere is what the first of some links is that is not known to lead to us; false
// if there is none.
func (b *Book) elsewhere(links []string) (Verdict, bool) {
	for _, link := range links {
		v := Verdict{Finding: Foreign}
		if host, path, ok := address(link); ok {
			v = b.locate(host, path)
		}
		if v.Finding != OurPlace {
			return v, true
		}
	}
	return Verdict{}, false
}
