package env

import (
	"fmt"
	"net"
	"strings"
)

// Expand replaces the references $(NAME.PART) in s by what lookup gives for
// NAME.PART, and $$ by a dollar sign. Of an address, $(NAME.PORT.host) and
// $(NAME.PORT.port) are the halves; lookup is asked for the whole. Any other dollar sign
// stands for itself, so that $HOME or ${env:X} pass through to the program that knows
// them.
//
// What lookup returns is not expanded again.
func Expand(s string, lookup func(ref string) (string, error)) (string, error) {
	if !strings.Contains(s, "$") {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		rest := s[i:]
		switch {
		case strings.HasPrefix(rest, "$$"):
			b.WriteByte('$')
			i++
		case strings.HasPrefix(rest, "$("):
			ref, err := reference(rest)
			if err != nil {
				return "", fmt.Errorf("expand %q: at byte %d: %w", s, i, err)
			}
			value, err := resolve(ref, lookup)
			if err != nil {
				return "", fmt.Errorf("expand $(%s): %w", ref, err)
			}
			b.WriteString(value)
			i += len("$()") + len(ref) - 1
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), nil
}

// resolve looks ref up, and halves the address where ref asks for half of one.
func resolve(ref string, lookup func(string) (string, error)) (string, error) {
	whole, isHost := strings.CutSuffix(ref, ".host")
	whole, isPort := strings.CutSuffix(whole, ".port")
	if strings.HasPrefix(ref, "file.") || !strings.Contains(whole, ".") || isHost == isPort {
		return lookup(ref)
	}
	addr, err := lookup(whole)
	if err != nil {
		return "", err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("halve %q: %w", addr, err)
	}
	if isHost {
		return host, nil
	}
	return port, nil
}

// reference reads what stands between the parentheses that s begins with.
func reference(s string) (string, error) {
	end := strings.IndexByte(s, ')')
	if end < 0 {
		return "", fmt.Errorf("%q has no closing parenthesis (write $$ for a dollar sign)", s)
	}
	ref := s[len("$("):end]
	name, part, ok := strings.Cut(ref, ".")
	if !ok || name == "" || part == "" || strings.ContainsAny(ref, "$( \t\n") {
		return "", fmt.Errorf("%q is no reference: want $(self.PORT), $(NAME.PORT) or $(file.NAME)",
			s[:end+1])
	}
	return ref, nil
}
