package seat

import (
	"os"
	"strings"
)

// BootID names the time since the machine started; empty if it is not known.
func BootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
