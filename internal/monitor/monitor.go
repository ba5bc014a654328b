// Package monitor watches every actor in the same way, once a second.
package monitor
