package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"grantfs/integration/e2e/host"
)

// TestMain makes the test binary four programs: the first process of the
// throwaway host, `run` that measures in it, and the daemon and the workloads
// that run starts.
func TestMain(m *testing.M) {
	host.Enter()
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	var err error
	switch os.Args[1] {
	case "run":
		err = run(os.Args[2])
	case "daemon":
		err = daemon(os.Args[2:])
	case "load":
		err = work(os.Args[2], os.Args[3])
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// run measures everything with the grantfs program binary, prints the table and
// writes bench.json.
func run(binary string) error {
	opt, err := options()
	if err != nil {
		return err
	}
	if host.Inside() {
		rep, err := measure(binary, opt)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(rep)
	}
	var out bytes.Buffer
	status, err := host.Run(context.Background(), host.Streams{In: os.Stdin, Out: &out, Err: os.Stderr}, os.Args[1:]...)
	if err != nil {
		return err
	}
	if status != 0 {
		return fmt.Errorf("the measuring process ended with status %d", status)
	}
	var rep report
	if err := json.Unmarshal(out.Bytes(), &rep); err != nil {
		return fmt.Errorf("read the figures: %w", err)
	}
	text, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return fmt.Errorf("write bench.json: %w", err)
	}
	if err := os.WriteFile("bench.json", append(text, '\n'), 0o644); err != nil {
		return err
	}
	rep.print(os.Stdout)
	return nil
}
