package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is printed means the same when it is read again, secrets aside.
func TestPrintedConfigurationsLoad(t *testing.T) {
	anySecret := cmp.Options{
		cmp.Comparer(sameZone),
		cmp.Comparer(func(a, b Secret) bool { return a.IsZero() == b.IsZero() }),
		cmp.Comparer(func(a, b Hash) bool { return a.IsZero() == b.IsZero() }),
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Warnings" }, cmp.Ignore()),
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Store" }, cmp.Ignore()),
	}
	for _, name := range fixtures(t, "good") {
		want, err := Load(name+".toml", environment)
		if err != nil {
			t.Fatal(err)
		}
		printed := want.String()
		got, err := Parse("printed.toml", []byte(strings.Replace(printed, "[store]\nurl = \"***\"", "[store]", 1)), environment)
		if err != nil {
			t.Errorf("%s: %v in:\n%s", name, err, printed)
			continue
		}
		if diff := cmp.Diff(want, got, anySecret); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPrintedConfigurationHidesSecrets(t *testing.T) {
	cfg, err := Load(filepath.Join("testdata", "good", "full.toml"), environment)
	if err != nil {
		t.Fatal(err)
	}
	printed := cfg.String()
	for _, name := range []string{"TELEGRAM_TOKEN", "X_CONSUMER_SECRET", "X_ACCESS_TOKEN", "X_ACCESS_SECRET", "WECOM_KEY", "ANA_TOKEN", "ALERTMANAGER_TOKEN"} {
		if secret, _ := environment(name); strings.Contains(printed, secret) {
			t.Errorf("%s is shown", name)
		}
	}
	for _, want := range []string{"time_zone = \"Asia/Singapore\"\n", "next = { critical = \"20m0s\", major = \"1h30m0s\" }\n", "rate = 500.5\n", "hold = \"\"\n", "[hooks.monitoring]\n"} {
		if !strings.Contains(printed, want) {
			t.Errorf("no %q in:\n%s", want, printed)
		}
	}
}
