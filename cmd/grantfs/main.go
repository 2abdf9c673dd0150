package main

import (
	"context"
	"fmt"
	"os"
)

func main() {
	err := run(context.Background(), arguments(os.Args[0], os.Args[1:]), os.Stdout, os.Stderr)
	code, show := exitCode(err)
	if show {
		fmt.Fprintln(os.Stderr, "grantfs:", err)
	}
	os.Exit(code)
}
