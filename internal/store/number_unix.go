//go:build unix

package store

import (
	"os"
	"strconv"
	"syscall"
)

// fileNumber is the number that a file keeps, also when it is renamed.
func fileNumber(info os.FileInfo) string {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return strconv.FormatUint(s.Ino, 10)
	}
	return ""
}
