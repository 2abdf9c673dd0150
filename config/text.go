package config

import "grantfs/policy"

// Parse reads a configuration that is one text, called name in the places of its
// problems. It is Load without files: there is no conf.d, and no source is
// looked up on disk.
func Parse(name string, text []byte, users Users) (*Config, []policy.Problem) {
	d := newDecoder(users)
	c := d.decode(name, []file{{name: name, data: text}})
	return c, d.problems
}
