// Package vault is what the keeper of a mount holds for the workers that serve it
// one after another: descriptors, each under a name. It is also the socket by which
// they get them, add to them, and tell the keeper how they are (unix(7),
// SCM_RIGHTS): so whatever has a descriptor outlives a worker, be it the connection
// to the kernel, memory, a socket that listens, the connection of a session, or a
// file that is open and has lost its last name.
//
// One socket belongs to one worker. First the keeper sends what it holds; then
// each side sends short messages at any time. A message that was sent arrives,
// even if the sender dies at the next instruction.
//
// An upgrade replaces the worker and not the keeper: the messages, and what lies under
// a name, keep their meaning from one version to the next.
//
// A Store, where there is one, is told of everything that is held and let go: it
// outlives the keeper too.
//
// Keeper.mu is held over what the Store is told, so that it learns it in order, and
// over no other system call.
package vault
