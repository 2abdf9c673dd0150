package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"grantfs/policy"
)

// explanationJSON is what "grantfs explain --json" prints (product.md §13).
type explanationJSON struct {
	Allowed    bool      `json:"allowed"`
	Reason     string    `json:"reason"`      // "" if allowed
	Error      string    `json:"error"`       // how the account sees the refusal, "" if allowed
	Place      string    `json:"place"`       // what PATH lies in
	ToPlace    string    `json:"to_place"`    // what PATH2 lies in, "" for none
	Rule       *ruleJSON `json:"rule"`        // null where no entry decided
	Chain      []string  `json:"chain"`       // from the account to the rule's origin, empty for no rule
	WouldAllow string    `json:"would_allow"` // "" if allowed
	Note       string    `json:"note"`        // on what the answer depends that only the disk knows, "" for nothing
	Groups     groupJSON `json:"groups"`
	Enabled    bool      `json:"enabled"` // false: the account can't log in, whatever it may do
}

// groupJSON is an account's groups. Membership groups contribute nothing.
type groupJSON struct {
	Primary    string   `json:"primary"` // "" for none
	Secondary  []string `json:"secondary"`
	Membership []string `json:"membership"`
}

// errorNames are the errors that refusals are shown as.
var errorNames = map[policy.Class]string{
	policy.ClassRefused:     "EACCES",
	policy.ClassHidden:      "ENOENT",
	policy.ClassBusy:        "EBUSY",
	policy.ClassCross:       "EXDEV",
	policy.ClassNotOwner:    "EPERM",
	policy.ClassUnsupported: "EOPNOTSUPP",
}

// explain says whether an account may do something, by which rule, and what
// would allow it. It exits 1 if not.
func explain(ctx context.Context, e *env, args []string) error {
	kind, err := fileType(e.kind)
	if err != nil {
		return err
	}
	v, err := loadView(ctx, e, args[0])
	if err != nil {
		return err
	}
	q := policy.Question{Verb: args[1], Path: args[2], Type: kind}
	if len(args) > 3 {
		if q.To = args[3]; q.To == "" {
			return usage("the second path is empty")
		}
	}
	x, err := v.Explain(q)
	if errors.Is(err, policy.ErrVerb) {
		return usage("%v%s\nthere are: %s\nor, as at a prompt: %s", err, meant(args[1], policy.AskedVerbs()),
			strings.Join(policy.AskedVerbs(), " "), strings.Join(policy.VerbAliases(), " "))
	}
	if err != nil {
		return usage("%v", err)
	}
	if err := e.explained(v, x); err != nil {
		return fmt.Errorf("print the explanation: %w", err)
	}
	if !x.Allowed() {
		return &exitError{exitFailure, nil}
	}
	return nil
}

func (e *env) explained(v *policy.View, x policy.Explanation) error {
	out := explanationJSON{
		Allowed: x.Allowed(), Reason: x.Reason.String(), Chain: []string{},
		WouldAllow: x.WouldAllow, Note: x.Note,
		Place: x.Place, ToPlace: x.ToPlace, Groups: groupsOf(v), Enabled: v.Enabled(),
	}
	if !out.Allowed {
		out.Error = errorNames[x.Class]
	}
	if x.Rule != nil {
		rule := newRuleJSON(*x.Rule)
		out.Rule, out.Chain = &rule, chain(v, rule.Origin)
	}
	if e.json {
		return printJSON(e.stdout, out)
	}
	var b strings.Builder
	if out.Allowed {
		b.WriteString("allowed\n")
	} else {
		fmt.Fprintf(&b, "refused: %s (%s)\n", out.Reason, out.Error)
	}
	fmt.Fprintf(&b, "place:   %s\n", out.Place)
	if out.ToPlace != "" {
		fmt.Fprintf(&b, "to:      %s\n", out.ToPlace)
	}
	if out.Note != "" {
		fmt.Fprintf(&b, "note:    %s\n", out.Note)
	}
	if x.Rule != nil {
		fmt.Fprintf(&b, "rule:    %s\n", ruleText(*x.Rule))
	}
	if len(out.Chain) > 1 {
		fmt.Fprintf(&b, "chain:   %s\n", strings.Join(out.Chain, " <- "))
	}
	if text := out.Groups.String(); text != "" {
		fmt.Fprintf(&b, "groups:  %s\n", text)
	}
	if !out.Enabled {
		b.WriteString("note:    the account is disabled\n")
	}
	if !out.Allowed {
		fmt.Fprintf(&b, "would allow it:\n  %s\n", strings.ReplaceAll(out.WouldAllow, "\n", "\n  "))
	}
	_, err := fmt.Fprint(e.stdout, b.String())
	return err
}

func groupsOf(v *policy.View) groupJSON {
	primary, secondary, membership := v.Groups()
	return groupJSON{primary, secondary, membership}
}

// String returns the groups for people, "" for none.
func (g groupJSON) String() string {
	var list []string
	if g.Primary != "" {
		list = append(list, g.Primary+" (primary)")
	}
	for _, name := range g.Secondary {
		list = append(list, name+" (secondary)")
	}
	for _, name := range g.Membership {
		list = append(list, name+" (membership, contributes nothing)")
	}
	return strings.Join(list, ", ")
}

// chain returns how a rule comes to an account: from itself or through a group.
// What is neither's, as a preset or a default, comes by itself.
func chain(v *policy.View, origin string) []string {
	own := "account:" + v.Account()
	if strings.HasPrefix(origin, "group:") {
		return []string{own, origin}
	}
	return []string{origin}
}
