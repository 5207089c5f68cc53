package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// Times of PostgreSQL, which may go away at any moment and come back.
const (
	patience   = 20 * time.Second // of a transaction, the wait for its turn included
	settling   = 20 * time.Second // to learn what became of a commit
	committing = 8 * time.Second  // of it, for its answer
	reading    = 5 * time.Second  // of one statement by itself
	connecting = 5 * time.Second
	answering  = 2 * time.Second // of a server that has nothing to do for us
)

// session is said on every connection. A node that is halted in the middle of a
// transaction must not hold up the others beyond its lease, and what is answered
// is on the disk. The last answer is by what the server knows it.
const session = `SET idle_in_transaction_session_timeout = '2s';
	SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
	SELECT ` + sessionName + ` FROM pg_stat_get_activity(pg_backend_pid())`

// oneWriter takes the lock that puts transactions in order; it is held until
// they end.
const oneWriter = `SELECT CAST(pg_advisory_xact_lock(20250, hashtext(current_schema())) AS text)`

func openPostgres(ctx context.Context, rawURL string, options ...Option) (*Store, error) {
	config, err := pgx.ParseConfig(rawURL)
	if err != nil { // which may repeat the password
		return nil, fmt.Errorf("the store's url cannot be read: write it like postgres://USER@HOST/DATABASE")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connecting
	}
	if config.ValidateConnect == nil { // of several servers, that which can be written
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "allclear"
	}
	s := &Store{node: nodeName(), now: time.Now, patient: patience, kinds: newKindBook(), stumbled: new(atomic.Bool), lack: new(atomic.Pointer[lack]),
		watch: &watch{quiet: unheard, sockets: map[*socket]doubted{}}, marks: &marks{writer: rand.Text()}}
	s.clock = func(ctx context.Context, q querier) (time.Time, error) {
		var us int64
		err := q.QueryRowContext(ctx, `SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)`).Scan(&us)
		return moment(us), err
	}
	for _, change := range options {
		change(s)
	}
	s.watch.begin(*config)
	config.DialFunc = s.watch.dial(config.DialFunc)
	open := func() *sql.DB {
		return stdlib.OpenDB(*config, stdlib.OptionAfterConnect(s.prepare), stdlib.OptionShouldPing(s.dead))
	}
	s.write = open()
	s.writer = newPool(s.write, 1, beginWriting)
	s.writer.pg, s.writer.commit, s.writer.failed = true, s.commit, s.refused
	read := open() // apart from the readers, so that neither has to wait for the others' connections
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	s.read, s.readers = &reader{DB: read, pg: true}, newPool(open(), readers, beginning("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
	s.readers.pg = true
	if err := s.openDatabase(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("open the database %s: %w", redactURL(rawURL), explainPostgres(err))
	}
	return s, nil
}

// prepare makes a new connection ready.
func (s *Store) prepare(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, connecting)
	defer cancel()
	said, err := conn.PgConn().Exec(ctx, session).ReadAll()
	if err != nil {
		_ = conn.Close(ctx) // nobody else does
		return err
	}
	var name string
	for _, row := range said[len(said)-1].Rows {
		name = string(row[0])
	}
	s.watch.add(conn, name)
	return nil
}

// nodeName names this process in leases: a name that people recognise, and what
// makes it differ from its life before.
func nodeName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	return host + "-" + rand.Text()[:8]
}

func (s *Store) openDatabase(ctx context.Context) error {
	var schema *string
	if err := s.write.QueryRowContext(ctx, `SELECT current_schema()`).Scan(&schema); err != nil {
		return err
	}
	if schema == nil {
		return errors.New("no schema of its search path is there: create it")
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if err := s.arrive(ctx); err != nil {
		return err
	}
	return s.succeed(ctx)
}

// dead reports whether a connection that nobody used for a while leads nowhere any
// more. It is then given up, with all others that nobody uses.
func (s *Store) dead(ctx context.Context, c stdlib.ShouldPingParams) bool {
	if c.IdleDuration < time.Second {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, answering)
	defer cancel()
	if c.Conn.Ping(ctx) == nil {
		return false
	}
	s.hangUpIdle()
	return true
}

// beginning begins a transaction. It does not wait long on a connection that was
// used before: packets may vanish on its way by now, without a word.
func beginning(query string) func(context.Context, *tx) error {
	return func(ctx context.Context, t *tx) error {
		if t.used {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, answering)
			defer cancel()
		}
		return t.run(ctx, query)
	}
}

// beginWriting begins a transaction that writes, when it is its turn. Each of
// its statements sees all that was committed before.
func beginWriting(ctx context.Context, t *tx) error {
	if err := beginning("BEGIN ISOLATION LEVEL READ COMMITTED")(ctx, t); err != nil {
		return err
	}
	var lock string
	return t.QueryRowContext(ctx, oneWriter).Scan(&lock)
}

// explainPostgres says in one line what PostgreSQL did not like and what to do.
func explainPostgres(err error) error {
	return errors.New(strings.Join(strings.Fields(advised(err).Error()), " "))
}

// advised adds what to do to the errors of PostgreSQL that people meet.
func advised(err error) error {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		advice := map[string]string{
			"28P01":  "the password in the store's url is not that user's",
			"28000":  "let that user in, in pg_hba.conf",
			"3D000":  "create the database, owned by that user",
			"42501":  "make that user the owner of the database, or let it create tables in the schema",
			"53100":  "make room on PostgreSQL's disk",
			"53300":  "raise max_connections or that user's limit",
			readOnly: writable,
		}[e.Code]
		if advice == "" {
			return err
		}
		return fmt.Errorf("%w: %s", err, advice)
	}
	if strings.Contains(err.Error(), "read only connection") { // as pgx says it
		return fmt.Errorf("%w: %s", err, writable)
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return fmt.Errorf("%w: check that PostgreSQL runs there and can be reached", err)
	}
	return err
}

// readOnly is the code of a server that refuses to write anything.
const readOnly = "25006"

const writable = "name the server that can be written"
