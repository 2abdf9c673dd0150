// Package audit writes down who did what: one JSON object a line for each login,
// refusal and logout, and for each file operation that changed something or was
// refused (product.md §13). The file is root's, and lies outside every view.
//
// Invariants:
//
//   - Nobody waits for the disk: Write puts an Entry into a queue of 8192, and what
//     finds it full, or can't be written, is lost and counted. The next line that is
//     written says how many were.
//   - Lines are whole: each write(2) is of whole lines to the end of the file, and what
//     a process that was killed has left half is cut off by the next. What was in the
//     queue then is lost.
//   - No account fills the disk: of its refusals no more than 120 in a minute are
//     written one by one, and the rest as a number; and files are rotated by size,
//     and only so many are kept.
//   - Any name can be told: what is no UTF-8 is there in base64 as well.
//
// One goroutine owns the file; there are no locks.
package audit
