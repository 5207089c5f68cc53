package browser

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"math"
)

// A Stop is where Tab leads to.
type Stop struct {
	What   string // element, class and words
	Inside bool   // its middle is on the screen
	Lit    int    // pixels that the focus changes by a contrast of 3 or more
	Around int    // pixels of the line around it
}

// Walkable reports where Tab leads to what one cannot see, or not tell from
// the rest: at least a line around it must become another colour.
func (b *Tab) Walkable(place string, most int) {
	b.Helper()
	all := b.Walk(most)
	for _, s := range all {
		if !s.Inside || s.Lit < s.Around {
			b.Errorf("%s: the focus is hard to see: %+v", place, s)
		}
	}
	if len(all) == 0 {
		b.Errorf("%s: Tab leads nowhere", place)
	}
}

// Walk presses Tab until the focus has left the page again, and returns where
// it was. It gives up after most stops.
func (b *Tab) Walk(most int) []Stop {
	b.Helper()
	b.Eval(`document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute("tabindex"); // Tab begins there
		scrollTo(0, 0); globalThis.visited = new Set(); 1`)
	var all []Stop
	for range most {
		b.Press("Tab")
		b.Eval(`new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))`) // it has scrolled there
		var s struct {
			Stop
			Box  map[string]any
			Over bool
		}
		if err := json.Unmarshal([]byte(b.Eval(stopScript)), &s); err != nil {
			b.Fatal(err)
		}
		if s.Over {
			b.Eval(`document.activeElement?.blur(); 1`)
			return all
		}
		lit := b.shot(s.Box)
		b.Eval(`globalThis.here = document.activeElement; here.blur(); 1`)
		unlit := b.shot(s.Box)
		b.Eval(`here.focus({ preventScroll: true }); 1`)
		s.Lit = changed(lit, unlit)
		all = append(all, s.Stop)
	}
	b.Errorf("Tab does not leave the page after %d stops", most)
	return all
}

const stopScript = `(() => {
	const node = document.activeElement;
	if (!node || node === document.body || visited.has(node)) return JSON.stringify({ Over: true });
	visited.add(node);
	const box = node.getBoundingClientRect();
	const left = Math.max(box.left - 6, 0), top = Math.max(box.top - 6, 0);
	const view = { x: left + scrollX, y: top + scrollY, width: Math.min(box.right + 6, innerWidth) - left, height: Math.min(box.bottom + 6, innerHeight) - top, scale: 1 };
	return JSON.stringify({
		What: node.tagName.toLowerCase() + (node.id && "#" + node.id) + (node.className && "." + node.className) + " " + (node.textContent || node.value).trim().slice(0, 30),
		Inside: box.left + box.right > 0 && box.left + box.right < 2 * innerWidth && box.top + box.bottom > 0 && box.top + box.bottom < 2 * innerHeight,
		Around: Math.round(2 * (box.width + box.height)), Box: view,
	});
})()`

// shot is a picture of a part of the page.
func (b *Tab) shot(clip map[string]any) image.Image {
	b.Helper()
	var r struct{ Data string }
	b.Call("Page.captureScreenshot", map[string]any{"format": "png", "clip": clip, "optimizeForSpeed": true}, &r)
	data, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		b.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	return picture
}

// changed counts the pixels that differ by a contrast of 3 or more.
func changed(a, b image.Image) int {
	n := 0
	box := a.Bounds().Intersect(b.Bounds())
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			p, q := luminance(a.At(x, y)), luminance(b.At(x, y))
			if max(p, q)/min(p, q) >= 3 {
				n++
			}
		}
	}
	return n
}

// luminance is how light a colour is, as WCAG reckons for a contrast.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b) + 0.05
}

func linear(v uint32) float64 {
	s := float64(v) / 0xffff
	if s <= 0.04045 {
		return s / 12.92
	}
	return math.Pow((s+0.055)/1.055, 2.4)
}
