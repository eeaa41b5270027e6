// Package wit_types has the types that Go lacks and the contract uses.
package wit_types

// Tags of an Option.
const (
	OptionNone = 0
	OptionSome = 1
)

// Tags of a Result.
const (
	ResultOk  = 0
	ResultErr = 1
)

// Unit is the value of a result without one.
type Unit struct{}

// Option is a value, or none.
type Option[T any] struct{ value *T }

// Some is an option with a value.
func Some[T any](value T) Option[T] { return Option[T]{&value} }

// None is an option without one.
func None[T any]() Option[T] { return Option[T]{} }

// IsSome says whether there is a value.
func (o Option[T]) IsSome() bool { return o.value != nil }

// Tag says which of the two it is.
func (o Option[T]) Tag() uint8 {
	if o.IsSome() {
		return OptionSome
	}
	return OptionNone
}

// Some gives the value; it panics when there is none.
func (o Option[T]) Some() T { return *o.value }

// SomeOr gives the value, or another one when there is none.
func (o Option[T]) SomeOr(other T) T {
	if o.IsSome() {
		return *o.value
	}
	return other
}

// Result is a value, or what went wrong.
type Result[T, E any] struct {
	ok  *T
	err *E
}

// Ok is a result with a value.
func Ok[T, E any](value T) Result[T, E] { return Result[T, E]{ok: &value} }

// Err is a result that went wrong.
func Err[T, E any](err E) Result[T, E] { return Result[T, E]{err: &err} }

// Tag says which of the two it is.
func (r Result[T, E]) Tag() uint8 {
	if r.err != nil {
		return ResultErr
	}
	return ResultOk
}

// Ok gives the value; it panics when there is none.
func (r Result[T, E]) Ok() T { return *r.ok }

// Err gives what went wrong; it panics when nothing did.
func (r Result[T, E]) Err() E { return *r.err }
