//go:build race

package search

// raced says that the race detector slows everything down.
const raced = true
