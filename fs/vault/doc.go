// Package vault is the socket between the keeper of a mount and the worker that
// serves it: by it files that are open and have lost their last name outlive a
// worker, for the keeper holds a descriptor of each (unix(7), SCM_RIGHTS).
//
// One socket belongs to one worker. First the keeper sends what it holds; then
// each side sends short messages at any time. A message that was sent arrives,
// even if the sender dies at the next instruction.
//
// Keeper.mu is a leaf, held over no system call.
package vault
