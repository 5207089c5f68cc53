// Package broadcast brings every channel to show what was said.
//
// There is no queue. For each incident and channel (a lane) the store holds,
// per delivery, what should show and what does show. [Next] compares the two
// and names the single next step; the engine takes it and records the result;
// then Next is asked again:
//
//	publish, correct, retract, skip, freeze      change what should show
//	Next(lane, now)                              names one step: post, edit, delete, open the thread, wait …
//	the account's pacer                          says when
//	the adapter                                  makes the one request
//	Apply(lane, step, receipt or fault, now)     says what shows now
//
// Next and Apply are pure. A retry, a correction of a text that was never
// posted, or an answer that comes late need no code of their own: each is
// just another difference between should and shows.
//
// On a crash: an attempt is journalled in the last moment before its bytes
// leave ([bots.BeforeSend]), in a transaction that also checks the lease, the
// freeze and that nothing changed since Next decided. So after a restart a
// delivery without an open attempt was never sent, and one with an open
// attempt may have been: it is unsure, and stays so until the platform or a
// person tells. Nothing is sent twice because a process died.
package broadcast
