package templates

import (
	"strings"
	"testing"
	"time"
)

func BenchmarkRender(b *testing.B) {
	s, err := Load("", nil)
	if err != nil {
		b.Fatal(err)
	}
	for name, body := range map[string]string{
		"latin":   strings.Repeat("Withdrawals resume in steps. ", 345),
		"chinese": strings.Repeat("提现正在分批恢复，", 1111),
		"oneword": strings.Repeat("x", 10_000),
		"marks":   strings.Repeat("e\u0301", 5_000),
	} {
		for _, platform := range Platforms {
			b.Run(name+"/"+platform, func(b *testing.B) {
				m := Message{Form: First, Ref: "INC-12/3", Title: strings.Repeat("t", 200), Body: body, At: time.Unix(0, 0)}
				for b.Loop() {
					if _, err := s.Render(platform, "en", m, nominal(platform)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
