//go:build linux || darwin

package seat

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock takes a file for this process alone, or returns errTaken. It has it until
// the file is closed or it ends, however it ends.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errTaken
	}
	return err
}

// Inode tells an open file from its copies.
func Inode(f *os.File) (string, error) {
	var about syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &about); err != nil {
		return "", err
	}
	return fmt.Sprint(about.Dev, ":", about.Ino), nil
}
