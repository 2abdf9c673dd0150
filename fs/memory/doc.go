// Package memory is what the daemon's state lies in while one process after
// another serves the mount: one file without a name (memfd_create(2)) that its
// keeper holds open, mapped by each process in turn.
//
// The file begins with a header and a directory of chunks. A chunk belongs to one
// owner (the node table, the handles, ...), which asks for it with Grow and lays
// it out as it likes; nobody ever gives one back. A successor finds the chunks of
// each owner with Held, in the order they were asked for. A chunk that an owner
// got at the very end may be all zero: it died before it wrote to it.
//
// Slots and Names are the layouts of those owners that have none of their own: a
// table of fixed records, and a list of strings that only grows.
//
// # Invariants
//
// There are no pointers in the file. What a process writes last is what makes the
// rest valid (a count, a state), stored atomically: at whatever instruction it
// dies, the file says what was before or what is after. Only one process at a
// time may use the file.
//
// What can't be read (another version, damage) is ErrLayout, never guessed at:
// Reset then empties the file, and Epoch tells owners which numbers they must
// not give out again.
//
// Memory.mu, Slots.mu and Names.mu are leaves; Memory.mu is taken within the
// other two.
package memory
