package seat

import "syscall"

// BootID names the time since the machine started; empty if it is not known.
func BootID() string {
	id, err := syscall.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}
