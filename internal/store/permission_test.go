//go:build unix

package store

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Only its owner reads a database with what lies beside it, and a backup. Who is to
// read an older one too has seen to that himself.
func TestFilesAreTheirOwners(t *testing.T) {
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	dir := t.TempDir()
	file := filepath.Join(dir, "allclear.db")
	s := mustOpen(t, file)
	if err := Backup(t.Context(), "sqlite:"+file, filepath.Join(dir, "backup.db"), nil); err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadDir(dir)
	if err != nil || len(all) < 6 {
		t.Fatalf("%v, %v: want a database with its log, its lock and what is shared, and a backup", all, err)
	}
	for _, entry := range all {
		info, err := entry.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", entry.Name(), info, err)
		}
	}
	s.Close()
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, file).Close()
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("what was opened again: %v, %v", info, err)
	}
}

// A user who may not write is told so. It takes another process, since tests
// may run as a user who may do everything.
func TestOpenWithoutPermission(t *testing.T) {
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	exe = filepath.Join(dir, "store.test")
	file := filepath.Join(dir, "allclear.db")
	mustOpen(t, file).Close()
	err = errors.Join(os.WriteFile(exe, binary, 0o755), os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755), os.Chmod(file, 0o444), os.Chmod(file+"-lock", 0o666))
	if err != nil {
		t.Fatal(err)
	}
	_, line := other(t, "open", file, func(cmd *exec.Cmd) { cmd.Path = exe; asNobody(cmd) })
	if !strings.Contains(line, "this user may write") || !strings.HasPrefix(line, "open "+file) {
		t.Errorf("a file that may not be written: %s", line)
	}
	if _, line := other(t, "open", filepath.Join(dir, "new.db"), func(cmd *exec.Cmd) { cmd.Path = exe; asNobody(cmd) }); !strings.Contains(line, "this user may write") {
		t.Errorf("a folder that may not be written: %s", line)
	}
}

// asNobody runs a command as a user without rights, if this one may do all.
func asNobody(cmd *exec.Cmd) {
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
}
