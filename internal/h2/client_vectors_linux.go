package h2

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const hasVectors = true

// clientVectors is room for what one writev is told.
type clientVectors [batchSegments + 2]unix.Iovec

// writev writes once, without waiting; errWouldBlock where that is not possible.
func (s *clientSocket) writev(fd uintptr, segments [][]byte) (int, error) {
	vectors := s.vectors[:0]
	for _, segment := range segments {
		v := unix.Iovec{Base: unsafe.SliceData(segment)}
		v.SetLen(len(segment))
		vectors = append(vectors, v)
	}
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITEV, fd,
			uintptr(unsafe.Pointer(unsafe.SliceData(vectors))), uintptr(len(vectors)))
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, errWouldBlock
		default:
			return 0, errno
		}
	}
}
