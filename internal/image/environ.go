package image

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// inContainer are variables that mean something in a container only. A proxy is one of
// them: it would carry what goes to the mock backend elsewhere.
var inContainer = []string{
	"PATH", "HOME", "HOSTNAME", "USER", "PWD", "SHELL", "TERM", "TMPDIR",
	"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY",
}

// Environ are the variables of the image that mean something to its program outside of a
// container. The path of something in the image becomes its path on this machine, such as
// that of certificates in SSL_CERT_FILE.
func (u *Unpacked) Environ() map[string]string {
	vars := map[string]string{}
	root, err := os.OpenRoot(u.Root)
	if err == nil {
		defer root.Close()
	}
	for _, pair := range u.Config.Env {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" || slices.Contains(inContainer, strings.ToUpper(name)) {
			continue
		}
		if path.IsAbs(value) && err == nil {
			value = u.onMachine(root, value)
		}
		vars[name] = value
	}
	return vars
}

// onMachine is where a path of the image lies on this machine; where the image has
// nothing of that name it stays as it is.
func (u *Unpacked) onMachine(root *os.Root, value string) string {
	at, err := follow(root, value)
	if err != nil || at == "." {
		return value
	}
	if _, err := root.Lstat(at); err != nil {
		return value
	}
	return filepath.Join(u.Root, filepath.FromSlash(at))
}
