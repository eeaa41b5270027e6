// Package runtime lends memory to the host for the texts that it hands over.
package runtime

import (
	"runtime"
	"unsafe"
)

// Before Go's own memory is ready, the host's adapter gets its few pages from here.
var (
	early [256 * 1024]byte
	used  uintptr
	ready bool
)

// What was lent and not yet taken over by a call.
var lent runtime.Pinner

func init() { ready = true }

// Allocate gives memory that stays where it is until pinner lets it go, aligned for any of the contract's types.
func Allocate(pinner *runtime.Pinner, size, align uintptr) unsafe.Pointer {
	if size == 0 {
		return nil
	}
	memory := unsafe.Pointer(unsafe.SliceData(make([]uint64, (size+7)/8)))
	pinner.Pin(memory)
	return memory
}

// Unpin lets go of what was lent, once a call has taken it over.
func Unpin() { lent.Unpin() }

// The garbage collector looks at the clock, and nothing may be imported while memory is being lent: the adapter then
// answers with the last time that it knows.
//
//go:wasmimport wasi_snapshot_preview1 adapter_monotonic_clock_set_paused
func pauseClock(paused bool)

//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	if old != nil {
		panic("memory that was lent does not grow")
	}
	if !ready {
		start := (used + align - 1) &^ (align - 1)
		used = start + size
		return unsafe.Pointer(&early[start : start+size][0])
	}
	pauseClock(true)
	memory := Allocate(&lent, size, align)
	pauseClock(false)
	return memory
}
