package otlp

const (
	snappyMagic = "\xff\x06\x00\x00sNaPpY"
	snappyChunk = 64 << 10 // plain bytes at most
	snappyBlock = 0x00     // kind: a compressed block
	snappyPlain = 0x01     // kind: one that is as it is
)
