//go:build unix

package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A Cluster is a PostgreSQL of one test's own, which may be stopped.
type Cluster struct {
	URL string

	tb   testing.TB
	bin  string
	dir  string
	port int
	as   *syscall.Credential // whom it runs as; nil for this user
}

// NewCluster starts a PostgreSQL on loopback. Where there is none to start, or
// the tests are not to use any, the test is skipped.
func NewCluster(tb testing.TB) *Cluster {
	tb.Helper()
	Postgres(tb)
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		without(tb, "no PostgreSQL is installed here")
	}
	slices.Sort(found)
	c := &Cluster{tb: tb, bin: filepath.Dir(found[len(found)-1])}
	if os.Getuid() == 0 { // as whom it does not run
		c.as = credential(tb, "postgres")
	}
	c.settle()
	c.must("initdb", "-D", c.dir+"/data", "-U", "allclear", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	c.Start()
	return c
}

// settle finds a place for it.
func (c *Cluster) settle() {
	c.tb.Helper()
	var err error
	if c.dir, err = os.MkdirTemp("", "cluster"); err != nil { // another user must get there
		c.tb.Fatal(err)
	}
	c.tb.Cleanup(func() { c.Stop(); os.RemoveAll(c.dir) })
	c.Own(c.dir)
	c.port = freePort(c.tb)
	c.URL = fmt.Sprintf("postgres://allclear@%s/postgres?sslmode=disable", c.Address())
}

// Address is where it listens.
func (c *Cluster) Address() string { return fmt.Sprint("127.0.0.1:", c.port) }

// Folder makes a folder for something of its.
func (c *Cluster) Folder(name string) string {
	c.tb.Helper()
	dir := filepath.Join(c.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		c.tb.Fatal(err)
	}
	c.Own(dir)
	return dir
}

// Own gives a folder to the user that it runs as.
func (c *Cluster) Own(dir string) {
	c.tb.Helper()
	if c.as == nil {
		return
	}
	if err := os.Chown(dir, int(c.as.Uid), int(c.as.Gid)); err != nil {
		c.tb.Fatal(err)
	}
}

// Standby starts another one that follows it. From then on what is committed is
// on both.
func (c *Cluster) Standby() *Cluster {
	c.tb.Helper()
	standby := &Cluster{tb: c.tb, bin: c.bin, as: c.as}
	standby.settle()
	standby.must("pg_basebackup", "-h", "127.0.0.1", "-p", strconv.Itoa(c.port), "-U", "allclear", "-D", standby.dir+"/data", "-R", "-c", "fast", "--no-sync")
	standby.Start()
	c.SQL("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
	return standby
}

// Or is the address of both this one and its standby, of which one can be written.
func (c *Cluster) Or(standby *Cluster) string {
	return strings.Replace(c.URL, c.Address(), c.Address()+","+standby.Address(), 1)
}

// Promote has a standby take the place of the one that it follows.
func (c *Cluster) Promote() {
	c.tb.Helper()
	c.must("pg_ctl", "promote", "-w", "-D", c.dir+"/data")
}

// SQL runs statements one after the other.
func (c *Cluster) SQL(statements ...string) {
	c.tb.Helper()
	db, err := sql.Open("pgx", c.URL)
	if err != nil {
		c.tb.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(context.Background(), s); err != nil {
			c.tb.Fatalf("%s: %v", s, err)
		}
	}
}

// Start starts it and waits until it takes connections.
func (c *Cluster) Start() {
	c.tb.Helper()
	c.must("pg_ctl", "start", "-w", "-D", c.dir+"/data", "-l", c.dir+"/log", "-o",
		fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off", c.port))
}

// Stop stops it at once, as a crash does.
func (c *Cluster) Stop() {
	cmd := c.command("pg_ctl", "stop", "-m", "immediate", "-D", c.dir+"/data")
	_ = cmd.Run() // it may have been stopped
}

// Kill kills its first process outright. The others end when they notice, and
// only then can it be started again.
func (c *Cluster) Kill() {
	c.tb.Helper()
	kept, err := os.ReadFile(c.dir + "/data/postmaster.pid")
	if err != nil {
		c.tb.Fatal(err)
	}
	line, _, _ := strings.Cut(string(kept), "\n")
	pid, err := strconv.Atoi(line)
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil {
		c.tb.Fatal(err)
	}
}

func (c *Cluster) must(name string, args ...string) {
	c.tb.Helper()
	// Its children keep the output open, so it goes to a file.
	out, err := os.Create(filepath.Join(c.dir, "out"))
	if err != nil {
		c.tb.Fatal(err)
	}
	defer out.Close()
	cmd := c.command(name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name())
		c.tb.Fatalf("%s: %v\n%s", name, err, text)
	}
}

func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...) //nolint:gosec,noctx // a program of PostgreSQL, which is stopped at the end too
	cmd.Dir = c.dir
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "PG") })
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as}
	return cmd
}

func credential(tb testing.TB, name string) *syscall.Credential {
	tb.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		without(tb, err.Error())
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		tb.Fatal(err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		tb.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func freePort(tb testing.TB) int {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it listens on TCP
}
