//go:build linux || darwin

package people

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// mapFile maps so many words of a file into memory. The file grows if need be.
// Its inode tells it from its copies.
func mapFile(file string, words int) (mapped []uint64, inode string, unmap func() error, err error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, "", nil, err
	}
	defer f.Close()
	size := 8 * words
	if err := errors.Join(f.Truncate(int64(size)), allocate(f, size)); err != nil {
		return nil, "", nil, err
	}
	var about syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &about); err != nil {
		return nil, "", nil, err
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, "", nil, err
	}
	mapped = unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(b))), words)
	return mapped, fmt.Sprint(about.Dev, ":", about.Ino), func() error { return syscall.Munmap(b) }, nil
}

// claimFile takes a file for this process alone, which has it until it gives it
// back or ends, however it ends.
func claimFile(file string) (giveBack func() error, err error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errInUse
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

// allocate has the disk keep room for the whole file: a store into a mapped
// hole of a full disk would end the process.
func allocate(f *os.File, size int) error {
	b := make([]byte, size)
	n, err := f.ReadAt(b, 0)
	if err != nil || n != size {
		return errors.Join(err, errShort)
	}
	_, err = f.WriteAt(b, 0)
	return err
}

var errShort = errors.New("the file is shorter than it was made")
