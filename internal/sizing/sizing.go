// Package sizing says what holds a wanted rate: from measured baselines, never from
// anything else, and with the source and the interval of every number.
package sizing
