// Package storetest gives tests a database of their own: a file for SQLite, or
// a schema in a PostgreSQL that is lent for tests.
package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/stdlib" // also for the driver "pgx"
)

// The environment. A test binary that [OnPostgres] starts has its stores on
// PostgreSQL; all others have them in files.
const (
	clusterVar = "ALLCLEAR_TEST_POSTGRES" // where schemas may be made
	requireVar = "ALLCLEAR_TEST_REQUIRE"  // what must not be missing
	storeVar   = "ALLCLEAR_TEST_STORE"    // postgres: where stores are
)

// IsPostgres reports whether stores of this run are on PostgreSQL.
func IsPostgres() bool { return os.Getenv(storeVar) == "postgres" }

// Bubble skips a test of [testing/synctest] where its store would be on
// PostgreSQL, which is outside the bubble.
func Bubble(tb testing.TB) {
	tb.Helper()
	if IsPostgres() {
		tb.Skip("a bubble reaches no database")
	}
}

// URL is that of a store in which there is nothing yet.
func URL(tb testing.TB) string {
	tb.Helper()
	if IsPostgres() {
		return Postgres(tb)
	}
	return "sqlite:" + filepath.Join(tb.TempDir(), "allclear.db")
}

// Postgres is the URL of a fresh schema, which goes with the test. Without a
// cluster the test is skipped.
func Postgres(tb testing.TB) string {
	tb.Helper()
	cluster := os.Getenv(clusterVar)
	if cluster == "" {
		without(tb, "no PostgreSQL: "+clusterVar+" is not set")
	}
	return Schema(tb, cluster)
}

// without skips a test that cannot have PostgreSQL, or has it fail where that is
// required.
func without(tb testing.TB, why string) {
	tb.Helper()
	if strings.Contains(os.Getenv(requireVar), "postgres") {
		tb.Fatal(why + ", and " + requireVar + " asks for it")
	}
	tb.Skip(why)
}

// Schema makes a schema in a database and returns the URL that leads to it.
func Schema(tb testing.TB, database string) string {
	tb.Helper()
	db, err := sql.Open("pgx", database)
	if err != nil {
		tb.Fatal(err)
	}
	name := "t_" + strings.ToLower(rand.Text())
	if _, err := db.ExecContext(tb.Context(), `CREATE SCHEMA `+name); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		defer db.Close()
		if _, err := db.ExecContext(context.Background(), `DROP SCHEMA `+name+` CASCADE`); err != nil {
			tb.Log(err) // the cluster may have been stopped by the test
		}
	})
	u, err := url.Parse(database)
	if err != nil {
		tb.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

// Empty makes the schema of a connection as it was when its tables had just been
// made. Rows are deleted, newest tables first, which refer to older ones: to
// truncate makes files, which takes longer than a short test.
func Empty(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `DO $$
		DECLARE made record;
		BEGIN
			FOR made IN SELECT relname FROM pg_class WHERE relnamespace = CAST(current_schema() AS regnamespace) AND relkind = 'r' AND relname <> 'migration' ORDER BY oid DESC LOOP
				EXECUTE 'DELETE FROM ' || quote_ident(made.relname);
			END LOOP;
			PERFORM setval(CAST(oid AS regclass), 1, false) FROM pg_class WHERE relnamespace = CAST(current_schema() AS regnamespace) AND relkind = 'S';
		END $$`)
	return err
}

// Tables lists the tables of a database, as its catalogue has them.
func Tables(ctx context.Context, db *sql.DB) (names []string, err error) {
	query := `SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`
	if _, ok := db.Driver().(*stdlib.Driver); ok {
		query = `SELECT CAST(table_name AS text) FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY 1`
	}
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// OnPostgres runs all tests of this binary once more, with their stores on
// PostgreSQL. It is the whole body of a test.
func OnPostgres(t *testing.T) {
	t.Helper()
	if IsPostgres() {
		t.Skip("this is that run")
	}
	if testing.Short() {
		t.Skip("short")
	}
	Postgres(t) // or there is none
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.timeout=15m", "-test.skip=^Fuzz") //nolint:gosec // this very binary
	cmd.Env = append(os.Environ(), storeVar+"=postgres")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("on PostgreSQL: %v\n%s", err, out.String())
	}
}
