// Package report is what we tell: the same summary as markdown, JSON, CSV and
// pictures. It reads a record and a verdict, and nothing else.
package report
