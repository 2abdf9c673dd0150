package login

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"grantfs/policy"
)

const (
	// hookPatience is how long the hooks of one question may take together: the
	// module waits a second longer for the answer.
	hookPatience = 4 * time.Second
	// hookSlots is how often one hook may run at once. Who waits for a slot uses up
	// its patience.
	hookSlots = 16
	// maxReply bounds what a hook may answer, in bytes.
	maxReply = 64 << 10
	// maxCached is how many answers are kept before those are dropped whose time
	// is over.
	maxCached = 1000
)

// hookKind is one of the hooks, by its key in the configuration.
type hookKind string

const (
	checkPassword hookKind = "check_password_hook" // may refuse a password before it is compared
	externalAuth  hookKind = "external_auth_hook"  // judges the password in our place
	preLogin      hookKind = "pre_login_hook"      // may refuse a login, whatever its method
)

// hookOf returns the program or address of a hook, not Set for none.
func hookOf(e *policy.Effective, kind hookKind) policy.Setting[string] {
	s := &e.Scalars
	hook, disabled := s.CheckPasswordHook, s.CheckPasswordHookDisabled
	switch kind {
	case externalAuth:
		hook, disabled = s.ExternalAuthHook, s.ExternalAuthHookDisabled
	case preLogin:
		hook, disabled = s.PreLoginHook, s.PreLoginHookDisabled
	}
	if disabled.Value {
		return policy.Setting[string]{}
	}
	return hook
}

// hookQuestion is what a hook gets, as one JSON object: on its standard input or as
// the body of a POST. The names are SFTPGo's.
type hookQuestion struct {
	Username string `json:"username"`
	IP       string `json:"ip"`
	Protocol string `json:"protocol"`
	Method   string `json:"login_method"`
	Password string `json:"password,omitempty"` // not for pre_login_hook
}

// hookReply is what counts of a hook's answer.
type hookReply struct {
	Status   *int    `json:"status"`   // 0 refuses; check_password_hook must say 1
	Username *string `json:"username"` // external_auth_hook must say whom it has let in
}

// allows reports whether a hook lets in who was asked about. No text at all is
// no objection to pre_login_hook.
func (kind hookKind) allows(q hookQuestion, text []byte) (bool, error) {
	if kind == preLogin && strings.TrimSpace(string(text)) == "" {
		return true, nil
	}
	var r hookReply
	if err := json.Unmarshal(text, &r); err != nil {
		return false, errors.New("its answer is no JSON object") // which may hold secrets
	}
	yes := r.Status == nil || *r.Status == 1
	switch kind {
	case checkPassword:
		return r.Status != nil && yes, nil
	case externalAuth:
		return yes && r.Username != nil && *r.Username == q.Username, nil
	}
	return yes, nil
}

// hooks asks hooks. It holds no lock while one runs, and no more than hookSlots
// logins at once wait for the same one. Safe for concurrent use.
type hooks struct {
	client *http.Client
	key    []byte // of the digests in accepted

	mu       sync.Mutex // guards what follows; a leaf
	slots    map[string]chan struct{}
	accepted map[[sha256.Size]byte]time.Time // until when external_auth_hook need not be asked again, by what it was asked
}

func newHooks() *hooks {
	key := make([]byte, sha256.Size)
	rand.Read(key) // it never fails
	return &hooks{
		// What is asked is secret: it goes where the admin has said and nowhere else.
		client:   &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		key:      key,
		slots:    make(map[string]chan struct{}),
		accepted: make(map[[sha256.Size]byte]time.Time),
	}
}

// hooked asks a hook of the account that wants to log in, and tells the admin of
// a refusal.
func (s *Server) hooked(ctx context.Context, v visit, e *policy.Effective, kind hookKind, password string) bool {
	q := hookQuestion{Username: v.user, IP: v.rhost, Protocol: v.attempt.Protocol, Method: v.attempt.Method, Password: password}
	keep := time.Duration(0)
	if kind == externalAuth {
		keep = e.Scalars.ExternalAuthCacheTime.Value
	}
	hook := hookOf(e, kind)
	ok, err := s.hooks.ask(ctx, kind, hook.Value, q, keep)
	if ok {
		return true
	}
	a := policy.Admission{Reason: policy.AdmitHookRefused, Setting: string(kind), Origin: e.Origin(string(kind)), At: hook.At}
	if err != nil {
		a.Reason = policy.AdmitHookFailed
		v.log.Error("ask a hook", "hook", string(kind), "error", err)
	}
	s.refused(v, a)
	return false
}

// ask asks one hook, unless it has let in the same account with the same
// password within keep. An error is no yes.
func (h *hooks) ask(ctx context.Context, kind hookKind, hook string, q hookQuestion, keep time.Duration) (bool, error) {
	digest, now := h.digest(hook, q), time.Now()
	if keep > 0 && h.remembers(digest, now) {
		return true, nil
	}
	body, err := json.Marshal(q)
	if err != nil {
		return false, fmt.Errorf("write the question: %w", err)
	}
	slot := h.slot(hook)
	select {
	case slot <- struct{}{}:
		defer func() { <-slot }()
	case <-ctx.Done():
		return false, fmt.Errorf("wait for one of %d: %w", hookSlots, ctx.Err())
	}
	run := runProgram
	if strings.HasPrefix(hook, "http://") || strings.HasPrefix(hook, "https://") {
		run = h.post
	}
	text, err := run(ctx, hook, body)
	if err != nil {
		return false, err
	}
	ok, err := kind.allows(q, text)
	if ok && keep > 0 {
		h.remember(digest, now.Add(keep))
	}
	return ok, err
}

func (h *hooks) slot(hook string) chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.slots[hook] == nil {
		h.slots[hook] = make(chan struct{}, hookSlots)
	}
	return h.slots[hook]
}

// digest stands for a question in memory, without its secret.
func (h *hooks) digest(hook string, q hookQuestion) [sha256.Size]byte {
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte(strings.Join([]string{hook, q.Username, q.Protocol, q.IP, q.Password}, "\x00")))
	return [sha256.Size]byte(mac.Sum(nil))
}

func (h *hooks) remembers(digest [sha256.Size]byte, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	until, ok := h.accepted[digest]
	return ok && now.Before(until)
}

func (h *hooks) remember(digest [sha256.Size]byte, until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.accepted) >= maxCached {
		now := time.Now()
		for d, end := range h.accepted {
			if now.After(end) {
				delete(h.accepted, d)
			}
		}
	}
	if len(h.accepted) < 10*maxCached {
		h.accepted[digest] = until
	}
}
