//go:build unix

package main

import "golang.org/x/sys/unix"

// diskLeft is how many bytes this user may still write to the disk of a folder.
func diskLeft(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:gosec,unconvert // their types differ between systems
}
