package people

// When another node has to go on without the journal, everybody counts as unsure
// of whom the store does not know what became of him. So that these are never
// more than two batches, the rest of a batch that waits for late answers is kept
// meanwhile, and less is opened as long as it waits.

// doubtful is how many people of open batches the store knows nothing of yet.
func (r *run) doubtful() (n int) {
	for _, j := range r.open {
		if j.batch.Row == 0 { // edits may be repeated
			n += j.batch.doubtful()
		}
	}
	return n
}

// room is how many people may be added to those.
//
// Answers that get quicker make batches smaller, and room for a moment less.
func (r *run) room() int { return maxBatches*r.size() - r.doubtful() }

// part has kept what is known of a batch, where that is half of what the store
// does not know.
func (r *run) part(j *job) {
	b := j.batch
	if b.Row != 0 || !j.slow() || 2*int(j.left.Load()) > b.doubtful() {
		return
	}
	c := b.part(j.settled)
	if c == nil {
		return
	}
	c.Refused = r.failed(b)
	r.settle(c)
	r.count(c)
	r.unspend(c)
	r.closing = append(r.closing, c)
	r.fresh = r.fresh && !c.moves()
}

// settled reports whether it is known for good what became of a person: whoever
// is unsure may have to be told again, which is decided at the end.
func (j *job) settled(n int) bool {
	return j.finished[n].Load() && j.batch.People[n].Result != Unsent && j.batch.People[n].Result != Unsure
}

// doubtful is how many people the store does not know the result of.
func (b *Batch) doubtful() int { return len(b.People) - b.kept }

// part says what is to be kept of those who are settled, while the batch goes
// on; nil where there is nothing.
func (b *Batch) part(settled func(n int) bool) *Closing {
	is := *b
	is.People, is.Passed = nil, 0
	was := b.Planned()
	for k := range b.People {
		if p := &b.People[k]; !p.Kept && settled(k) {
			is.People = append(is.People, *p)
			p.Kept = true
		}
	}
	if len(is.People) == 0 {
		return nil
	}
	b.kept += len(is.People)
	c := is.close(func(int64) bool { return false })
	c.Was, c.Goes = was, b.Planned()
	return c
}
