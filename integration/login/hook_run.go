package login

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"syscall"
	"time"
)

// errReply says that a hook answers more than anybody reads.
var errReply = fmt.Errorf("it answers more than %d bytes", maxReply)

// runProgram runs a program with question as its standard input and returns what
// it writes. It has a clean environment and a process group of its own, which is
// killed when ctx ends. A status other than 0 is an error.
func runProgram(ctx context.Context, path string, question []byte) ([]byte, error) {
	cmd := exec.CommandContext(ctx, path)
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.Stdin = bytes.NewReader(question)
	var out capped
	cmd.Stdout = &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 100 * time.Millisecond // who has left its group may still hold its output
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("run %s: %w", path, ctx.Err())
	case err != nil:
		return nil, fmt.Errorf("run %s: %w", path, err)
	case out.over:
		return nil, fmt.Errorf("run %s: %w", path, errReply)
	}
	return out.Bytes(), nil
}

// capped keeps no more than maxReply bytes, and takes the rest all the same:
// the writer must not fail for want of a reader.
type capped struct {
	bytes.Buffer
	over bool
}

func (c *capped) Write(b []byte) (int, error) {
	if c.over = c.over || c.Len()+len(b) > maxReply; !c.over {
		return c.Buffer.Write(b)
	}
	return len(b), nil
}

// post posts question and returns the body of the answer. A status other than 200
// and 204 is an error.
func (h *hooks) post(ctx context.Context, address string, question []byte) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(question))
	if err != nil {
		return nil, errors.New("post: the address is none")
	}
	q.Header.Set("Content-Type", "application/json")
	r, err := h.client.Do(q)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the address may hold a secret
		}
		return nil, fmt.Errorf("post: %w", err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK && r.StatusCode != http.StatusNoContent {
		return nil, fmt.Errorf("post: it answers %s", r.Status)
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxReply+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("post: read the answer: %w", err)
	case len(text) > maxReply:
		return nil, fmt.Errorf("post: %w", errReply)
	}
	return text, nil
}
