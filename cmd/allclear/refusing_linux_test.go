package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// PostgreSQL is there and keeps nothing: readiness says why and what to do,
// nothing is accepted, and it goes on by itself.
func TestPostgresRefusesToWrite(t *testing.T) {
	t.Parallel()
	c := storetest.NewCluster(t)
	d := newDiskAt(t, c.Folder("small"))
	c.Own(d.dir)
	c.SQL("CREATE ROLE app LOGIN", "CREATE DATABASE app OWNER app",
		fmt.Sprintf("CREATE TABLESPACE small OWNER app LOCATION '%s'", d.dir), "ALTER ROLE app SET default_tablespace = small")
	f := newFleet(t, strings.NewReplacer("allclear@", "app@", "/postgres?", "/app?").Replace(c.URL), 1)
	f.until("ready", f.ready)
	f.must("incident", "minor", "login", "--title", "Login is slow", "--text", "It takes a minute.")
	disconnect := "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'"
	for _, trouble := range []struct {
		name, says string
		begin, end func()
	}{
		{"connections", "raise max_connections or that user's limit",
			func() { c.SQL("ALTER ROLE app CONNECTION LIMIT 0", disconnect) },
			func() { c.SQL("ALTER ROLE app CONNECTION LIMIT -1") }},
		{"read-only", "name the server that can be written",
			func() { c.SQL("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()") },
			func() { c.SQL("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()") }},
		{"disk", "make room on PostgreSQL's disk", d.fill, d.makeRoom},
	} {
		said := 0
		post := func() (status int, answer string) {
			body := fmt.Sprintf(`{"body":%q}`, strings.Repeat("It takes longer than we thought. ", 50))
			return f.keyed(fmt.Sprint(trouble.name, said), "/v1/incidents/INC-1/updates", body)
		}
		trouble.begin()
		var status int
		var answer string
		for status = http.StatusCreated; status == http.StatusCreated && said < 5000; { // what there is room for is kept
			said++
			status, answer = post()
		}
		t.Logf("%s: the %d. is answered %d %s", trouble.name, said, status, answer)
		if status != http.StatusServiceUnavailable || !strings.Contains(answer, "the database cannot be written now") {
			t.Fatal("it is accepted, or nothing said about it")
		}
		f.until(trouble.name+": not ready, and why", func() bool {
			status, checks := f.readiness()
			return status == http.StatusServiceUnavailable && strings.Contains(checks["database"].Detail, trouble.says)
		})
		trouble.end()
		f.until(trouble.name+": accepted again", func() bool { status, _ := post(); return status == http.StatusCreated })
		f.until(trouble.name+": ready again", f.ready)
	}
	f.must("resolve", "INC-1", "Everything works again.")
	f.settled("INC-1")
}
