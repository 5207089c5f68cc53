package web

import (
	"encoding/json"
	"testing"

	"github.com/allclear-hq/allclear/broadcast"
)

// All that is known of an audience is shown, what is paid for too, with which one
// reckons how long it takes.
func TestAnAudienceIsShownWhole(t *testing.T) {
	d := broadcast.Delivery{State: broadcast.Sending, Audience: &broadcast.Progress{Told: 40, Unsure: 3, Failed: 7, AskUnsure: 2, AskFailed: 4, Passed: 100, People: 10_100, Speed: 1000, Paid: 2000, Unpaid: 30}}
	got, err := json.Marshal(deliveryResource(&d).Audience)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"told":40,"unsure":3,"failed":7,"to_settle":6,"passed":100,"people":10100,"per_second":1000,"paid":2000,"unpaid_per_second":30,"seconds_left":102}`
	if string(got) != want {
		t.Errorf("shown is %s, want %s", got, want)
	}
}
