//go:build !linux && !darwin

package seat

// BootID is not known here.
func BootID() string { return "" }
