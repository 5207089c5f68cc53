//go:build linux || darwin

package people

import (
	"errors"
	"os"
	"syscall"
	"unsafe"

	"github.com/allclear-hq/allclear/internal/seat"
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
	if inode, err = seat.Inode(f); err != nil {
		return nil, "", nil, err
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, "", nil, err
	}
	mapped = unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(b))), words)
	return mapped, inode, func() error { return syscall.Munmap(b) }, nil
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
