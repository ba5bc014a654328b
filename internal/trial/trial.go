// Package trial carries a plan through an environment: one run.
package trial
