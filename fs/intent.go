package fs

import (
	"sync/atomic"

	"grantfs/fs/backing"
	"grantfs/fs/kernel"
	"grantfs/fs/memory"
	"grantfs/fs/quota"
)

// intentKind says what an operation that is charged does.
type intentKind uint32

const (
	intentOpen    intentKind = iota // not written down yet: nothing was done
	intentBirth                     // something gets the name to
	intentRemoval                   // what has the name from loses it
	intentMove                      // what has the name from gets the name to
	intentSize                      // the file from ends somewhere else
	intentReown                     // around an intentMove: the owner and the mode change
)

// intent is written down of an operation before it is done, and torn up when it
// was charged: what a process leaves of them when it is killed its successor
// settles, see settleIntents. Where there is no memory for it it is without a
// record, and what comes of it is for the next count to find.
type intent struct {
	number uint64
	*intentRecord
}

// intentRecord lies in the memory.
type intentRecord struct {
	ticket    quota.Ticket
	kind      intentKind
	from, to  intentEnd
	old, next backing.Birth // of what changes its owner
}

// intentEnd is a name of an operation, or its file.
type intentEnd struct {
	source uint32       // that is charged
	length uint16       // of name
	node   uint64       // the directory, or the file
	object ident        // what has the name, or will get it, as far as that is known
	cost   quota.Charge // that is charged of it, and ends with the name
	name   [maxIntentName]byte
}

const (
	maxIntentName = 255
	intentVersion = 1 // of intentRecord
)

// intents are the operations under way.
type intents struct{ records *memory.Slots[intentRecord] }

func (is *intents) init(m *memory.Memory) (err error) {
	is.records, err = memory.OpenSlots[intentRecord](m, memory.Intents, intentVersion)
	return err
}

// nameOf is the end of an operation at a name of dir, which is charged to b.
func nameOf(b *books, dir spot, name backing.Name) intentEnd {
	e := intentEnd{node: dir.node.ID}
	if b != nil {
		e.source = b.source.index
	}
	e.length = uint16(copy(e.name[:], name.String()))
	return e
}

// of says which object that is, and what it costs.
func (e intentEnd) of(st *backing.Stat, cost quota.Charge) intentEnd {
	e.object, e.cost = identOf(st), cost
	return e
}

// intend writes down what is about to be done.
func (is *intents) intend(kind intentKind, from, to intentEnd) intent {
	number, r, err := is.records.Take(func(r *intentRecord) {
		r.ticket.Reset()
		r.kind, r.from, r.to = kind, from, to
	})
	if err != nil {
		return intent{}
	}
	return intent{number, r}
}

// end tears an intent up.
func (is *intents) end(i intent) {
	if i.intentRecord != nil {
		is.records.Give(i.number)
	}
}

// paper returns the ticket by which it is charged, nil for none.
func (i intent) paper() *quota.Ticket {
	if i.intentRecord == nil {
		return nil
	}
	return &i.ticket
}

// makes says what is being made, before it has its name.
func (i intent) makes(st *backing.Stat) {
	if i.intentRecord != nil {
		i.to.object = identOf(st)
	}
}

// reowns says which owner and mode a file changes from and to.
func (i intent) reowns(old, next backing.Birth) {
	if i.intentRecord != nil {
		i.old, i.next = old, next
		atomic.StoreUint32((*uint32)(&i.kind), uint32(intentReown))
	}
}

// done says where the request is, for tests that die there.
func (c *call) done() {
	if c != nil {
		c.request.Step(kernel.StepDone)
	}
}
