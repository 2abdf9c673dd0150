package fs

import "grantfs/fs/kernel"

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
