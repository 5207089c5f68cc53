package main

import (
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/internal/web"
)

func TestClockCheck(t *testing.T) {
	for _, test := range []struct {
		ahead time.Duration
		state web.CheckState
		words string
	}{
		{0, web.CheckOK, ""},
		{-1900 * time.Millisecond, web.CheckOK, ""},
		{5 * time.Second, web.CheckWarning, "5s ahead of the database's"},
		{3 * time.Minute, web.CheckFailed, "3m0s ahead of the database's"},
		{-3 * time.Minute, web.CheckFailed, "3m0s behind the database's"},
	} {
		c := clockCheck(test.ahead)
		if c.State != test.state || !strings.Contains(c.Detail, test.words) || test.words == "" && c.Detail != "" {
			t.Errorf("%s: %+v", test.ahead, c)
		}
	}
}
