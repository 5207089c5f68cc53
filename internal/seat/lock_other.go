//go:build !linux && !darwin

package seat

import (
	"errors"
	"os"
)

func lock(*os.File) error { return errors.ErrUnsupported }

// Inode is not known here.
func Inode(*os.File) (string, error) { return "", errors.ErrUnsupported }
