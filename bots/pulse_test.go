package bots_test

import (
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

func TestPulseGoesForwardOnly(t *testing.T) {
	var p bots.Pulse
	if !p.Last().IsZero() {
		t.Errorf("a new pulse has heard something at %v", p.Last())
	}
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	p.BeatAt(time.Time{})
	p.BeatAt(noon)
	p.BeatAt(noon.Add(-time.Hour))
	if !p.Last().Equal(noon) {
		t.Errorf("last heard %v, want %v", p.Last(), noon)
	}
}
