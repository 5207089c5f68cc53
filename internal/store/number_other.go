//go:build !unix

package store

import "os"

// fileNumber is not known here.
func fileNumber(os.FileInfo) string { return "" }
