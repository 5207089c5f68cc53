//go:build !unix

package main

import "errors"

// diskLeft is not known on this system.
func diskLeft(string) (int64, error) { return 0, errors.ErrUnsupported }

// openFiles is not known on this system.
func openFiles() int { return 0 }
