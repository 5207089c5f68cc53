// Package people is the audience of a Telegram bot: who subscribed, to what, the
// dialogue in which they say so, and the walk that tells them what is new.
//
// A subscriber is a chat and what concerns it. No name, no username and nothing that
// was typed is ever kept.
//
// # The dialogue
//
// A [Listener] takes what was written, many people at once, and stores what they chose
// together with how far it has read. An answer is no promise: when too many ask it becomes
// short, and then is left out. dialogue.go decides, menu.go and words.go word it,
// answers.go and deliver.go send it, admins.go knows who speaks for a group, verify.go,
// claim.go, sentences.go and extent.go say what is really ours (beside what book.go,
// bookwriter.go and older.go know was said), list.go hands people out and in.
//
// # The walk
//
// There is no row for each message. An incident's [Walk] takes each thing that is to be
// told once around the audience, which is a ring in the order of subscribing. Such a
// [Round] knows no more than how far it has come. A [Batch] is its next stretch:
//
//	gather      finds who is concerned and what he was told before (walkgather.go, stride.go)
//	open        stores the stretch in a transaction that also closes those before (walkopen.go)
//	send        one request a person, when it is his turn (walksend.go, walkjob.go)
//	close       keeps receipts of two bytes, and a row for each exception (batch.go, receipts.go)
//
// The order in which people are told is that of urgency and of who waits longest
// (walk.go, told.go, walknext.go); what is open makes way for what may not wait (walkway.go).
// Messages are edited in the same way (walkedits.go), row by row; who has to wait for
// longer than the others of a row is edited later (walkleft.go). What is paid for keeps to a budget
// (walkpay.go, purse.go). Who left, moved, or is in a group that has to wait is told of
// by its request, and taken note of beside it (leavers.go, walkmove.go, walkhear.go).
// Where the platform does not answer, or takes some words for nobody, the walk waits
// instead of failing people one by one (outage.go, refusal.go, stuck.go).
//
// On a crash: a [Journal], a file in memory that outlives the process, has a mark for
// each attempt of the batches that are open. It says of whom nothing left, of whom the
// answer is known, and of whom neither: he is unsure, and a policy decides. On another
// node there is no journal, and all of the open batches are unsure (walkpart.go keeps
// them small).
package people
