package quota

import "math"

// Charge is what an object, or a change of one, costs: bytes of apparent size,
// regular files, and inodes of every type (product.md §9). A change may be
// negative.
type Charge struct {
	Bytes  int64 `json:"bytes"`
	Files  int64 `json:"files"`
	Inodes int64 `json:"inodes"`
}

// Resource is one of the things that a Charge counts.
type Resource uint8

// The resources, in the order of Charge's fields.
const (
	Bytes Resource = iota
	Files
	Inodes
	resources
)

// String returns the resource's name.
func (r Resource) String() string {
	return [resources]string{"bytes", "files", "inodes"}[r]
}

// amounts is a Charge by Resource.
type amounts [resources]int64

func (c Charge) amounts() amounts { return amounts{c.Bytes, c.Files, c.Inodes} }

func (a amounts) charge() Charge { return Charge{a[Bytes], a[Files], a[Inodes]} }

// Neg returns the opposite of c.
func (c Charge) Neg() Charge { return Charge{}.Sub(c) }

// Plus returns c + d; what does not fit in 64 bits stops at the last number that
// does.
func (c Charge) Plus(d Charge) Charge {
	a, b := c.amounts(), d.amounts()
	for i := range a {
		a[i], _ = add(a[i], b[i])
	}
	return a.charge()
}

// Sub returns c - d; what does not fit in 64 bits stops at the last number that
// does.
func (c Charge) Sub(d Charge) Charge {
	a, b := c.amounts(), d.amounts()
	for i := range a {
		a[i], _ = sub(a[i], b[i])
	}
	return a.charge()
}

// add returns a + b, and whether that is exact: a sum beyond 64 bits stops at
// the last number that is not.
func add(a, b int64) (sum int64, exact bool) {
	sum = a + b
	switch {
	case a > 0 && b > 0 && sum < 0:
		return math.MaxInt64, false
	case a < 0 && b < 0 && sum >= 0:
		return math.MinInt64, false
	}
	return sum, true
}

// sub is add for a - b.
func sub(a, b int64) (difference int64, exact bool) {
	difference = a - b
	switch {
	case a >= 0 && b < 0 && difference < 0:
		return math.MaxInt64, false
	case a < 0 && b > 0 && difference >= 0:
		return math.MinInt64, false
	}
	return difference, true
}
