package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"

	"grantfs/integration/e2e/host"
)

// TestMain makes the test binary three programs: the first process of a
// throwaway host, the tool behind `make demo` and `make run`, and the tests.
func TestMain(m *testing.M) {
	host.Enter()
	if len(os.Args) == 3 && (os.Args[1] == "tour" || os.Args[1] == "stay") {
		status, err := show(os.Args[1], os.Args[2])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = max(status, 1)
		}
		os.Exit(status)
	}
	os.Exit(m.Run())
}

// show makes a throwaway host that runs the grantfs program binary, tours it or
// stays in it, and returns the exit status.
func show(what, binary string) (int, error) {
	if !host.Inside() {
		streams := host.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
		return host.Run(context.Background(), streams, os.Args[1:]...)
	}
	if what == "stay" {
		return 0, stay(binary)
	}
	return tour(binary)
}
