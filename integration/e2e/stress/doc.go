// Package stress is tests only: programs that are made to find out what a file
// system does wrong work as an account in its view: fio, which reads back what it
// has written, stress-ng, which tries every system call on files, and dbench, which
// plays a file server's load.
//
// Invariants: only programs that stay inside a directory of the view are run, as
// the account and with a time limit; nothing is skipped: what a view is not made
// for is excluded by name, with the rule. After each program the backing holds
// nothing that is not the account's, and no request has panicked. Under a quota that is
// too small for them they may fail, and the ledger says what a count finds.
package stress
