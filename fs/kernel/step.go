package kernel

// Step is a place in the life of a request at which a process may die and its
// successor must know what to do.
type Step uint8

// The steps, in their order.
const (
	StepBegun   Step = iota // in the journal, and nothing else was done
	StepNoted               // written down, before it is done
	StepMade                // done, before that is written down
	StepDone                // done, before it is charged
	StepHandled             // charged, before it is answered
	StepReplied             // answered, and still in the journal
	Steps                   // how many there are
)

// String returns the step's name.
func (s Step) String() string {
	return [Steps]string{"begun", "noted", "made", "done", "handled", "replied"}[s]
}

// ObserveSteps has f called at each step of each request, before Serve. It is for
// tests, which die there.
func (c *Conn) ObserveSteps(f func(Step, Opcode)) { c.observe = f }

// Step says where the request's execution is.
func (r *Request) Step(s Step) {
	if r.loop != nil && r.loop.conn.observe != nil {
		r.loop.conn.observe(s, Opcode(r.Header().Opcode))
	}
}
