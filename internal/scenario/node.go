package scenario

import (
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// start is where a node begins. The library's token of a block mapping is its
// first colon.
func start(node ast.Node) place {
	switch node := node.(type) {
	case nil:
		return place{}
	case *ast.MappingNode:
		if !node.IsFlowStyle && len(node.Values) > 0 {
			return start(node.Values[0])
		}
	case *ast.MappingValueNode:
		return start(node.Key)
	}
	if tk := node.GetToken(); tk != nil && tk.Position != nil {
		return place{tk.Position.Line, tk.Position.Column}
	}
	return place{}
}

// at gives an error the place of its node.
func at(node ast.Node, err error) error {
	where, located := start(node), asError(err)
	located.Line, located.Column = where.line, where.column
	return located
}

func asError(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return &Error{Found: "a value that cannot be read", Want: err.Error()}
}

// scalarText is a scalar as the file spells it.
func scalarText(node ast.Node) (text string, ok bool) {
	switch node := node.(type) {
	case *ast.StringNode:
		return node.Value, true
	case *ast.LiteralNode:
		if node.Value == nil {
			return "", true
		}
		return node.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		if tk := node.GetToken(); tk != nil {
			return tk.Value, true
		}
	}
	return "", false
}

func scalar(node ast.Node) bool {
	_, ok := scalarText(node)
	return ok
}

// describe says in a few words what a node is.
func describe(node ast.Node) string {
	text, _ := scalarText(node)
	switch node.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.StringNode, *ast.LiteralNode:
		return "the text " + quote(text)
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "the number " + strings.Trim(quote(text), `"`)
	case *ast.BoolNode:
		return text
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.AnchorNode:
		return "an anchor"
	case *ast.AliasNode:
		return "an alias"
	case *ast.TagNode:
		return "a tag"
	case *ast.MergeKeyNode:
		return "a merge"
	}
	return "a YAML construct"
}

func mismatchNode(node ast.Node, want string) *Error {
	return &Error{Found: describe(node), Want: want}
}

// setScalar reads a node into a string, a kind, a number or a truth value.
func setScalar(node ast.Node, v reflect.Value) *Error {
	text, _ := scalarText(node)
	want := nameOf(v.Type())
	switch v.Kind() {
	case reflect.String:
		allowed, isKind := kinds[v.Type()]
		if !isText(node) {
			if scalar(node) && !isKind {
				want = "text: write it in quotes"
			}
			return mismatchNode(node, want)
		}
		if isKind && !allowed.has(text) {
			return &Error{Found: quote(text), Want: want + suggestion(text, allowed)}
		}
		v.SetString(text)
	case reflect.Bool:
		if _, ok := node.(*ast.BoolNode); !ok {
			return mismatchNode(node, want)
		}
		v.SetBool(text == "true" || text == "True" || text == "TRUE")
	case reflect.Int:
		value, err := strconv.ParseInt(text, 10, 32)
		if _, ok := node.(*ast.IntegerNode); !ok || err != nil {
			return mismatchNode(node, want)
		}
		v.SetInt(value)
	case reflect.Uint64:
		value, err := strconv.ParseUint(text, 10, 64)
		if _, ok := node.(*ast.IntegerNode); !ok || err != nil {
			return mismatchNode(node, want)
		}
		v.SetUint(value)
	}
	return nil
}

func isText(node ast.Node) bool {
	switch node.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return true
	}
	return false
}

// freeScalar is a scalar of a collector's configuration: text, int, float64, bool
// or nil.
func freeScalar(node ast.Node) (any, *Error) {
	text, _ := scalarText(node)
	switch node := node.(type) {
	case *ast.NullNode:
		return nil, nil
	case *ast.StringNode, *ast.LiteralNode:
		return text, nil
	case *ast.BoolNode:
		return node.Value, nil
	case *ast.IntegerNode:
		switch value := node.Value.(type) {
		case int64:
			return int(value), nil
		case uint64:
			if value <= math.MaxInt64 {
				return int(value), nil
			}
		}
		return nil, mismatchNode(node, "a number of 64 bits")
	case *ast.FloatNode:
		return node.Value, nil
	}
	return nil, mismatchNode(node, "text, a number, true, false, a list or a mapping")
}
