//go:build unix

package main

import "golang.org/x/sys/unix"

// diskLeft is how many bytes this user may still write to the disk of a folder.
func diskLeft(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert // their types differ between systems
}

// openFiles is how many files this process may have open; 0 where that is not
// known. Go has raised the soft limit to the hard one.
func openFiles() int {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil || l.Cur > 1<<30 {
		return 0
	}
	return int(l.Cur)
}
