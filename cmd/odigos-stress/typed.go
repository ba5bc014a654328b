package main

import (
	"os"
	"path/filepath"
	"regexp"
)

// userinfo is what stands before the host of a URL: a user, a password, a token.
var userinfo = regexp.MustCompile(`://[^/?#\s]*@`)

// withoutSecrets is a command line as records have it: without the userinfo of URLs.
func withoutSecrets(args []string) []string {
	all := make([]string, 0, len(args))
	for _, a := range args {
		all = append(all, userinfo.ReplaceAllString(a, "://xxxxx@"))
	}
	return all
}

// commandLine is what was typed, for records.
func commandLine() []string {
	return append([]string{filepath.Base(os.Args[0])}, withoutSecrets(os.Args[1:])...)
}
