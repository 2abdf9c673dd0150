package fs

import "grantfs/fs/kernel"

// LimitNodes replaces how many nodes a view may have.
func (s *Server) LimitNodes(soft, hard int) { s.nodes.Limit(soft, hard) }

// Rows returns every opcode that the dispatcher has a row for.
func Rows() []kernel.Opcode {
	var list []kernel.Opcode
	for op := range kernel.Opcode(kernel.OpcodeCount) {
		if table[op].run != nil {
			list = append(list, op)
		}
	}
	return list
}
