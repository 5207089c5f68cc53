// Package model checks the promises on the real engine, desk, store and
// adapters against the simulators, in time that is not real.
//
// A script is drawn from a seed: people publish, correct, retract, freeze and
// settle, requests go wrong in every way that a simulator knows, and the
// process dies, or is halted while another takes over and wakes up late, at a
// boundary of the journal or on the wire. It is played in a
// [testing/synctest] bubble, over connections in memory, on a SQLite file or on
// PostgreSQL. A witness stands beside the journal and beside the platforms, and
// complains when a promise is broken: see witness_test.go for what must hold at
// every moment, and check_test.go for what must hold when all has settled.
//
// Scripts of the walk (walkscript_test.go) have subscribers besides: they press
// Start and buttons, leave, block the bot and move, while they are told of
// incidents. crowdwitness_test.go says what must hold for each letter and
// crowdcheck_test.go what each of them must have in the end; crowdlife_test.go
// has the boundaries. In the middle of it the site may go on with a copy of its
// store, or with a backup, which is frozen until somebody releases it. What is not
// played: paid messages, other languages, lists that are imported, and a killed
// server on PostgreSQL that takes its own leases back.
//
// A script that fails is shortened to the acts that are needed, and printed so
// that it can be kept in testdata and played again. It holds nothing but tests.
package model
