//go:build !linux

package h2

// Elsewhere than on Linux the writer goroutine writes everything, from copies.
const hasVectors = false

type clientVectors struct{}

func (s *clientSocket) writev(uintptr, [][]byte) (int, error) { return 0, errWouldBlock }
