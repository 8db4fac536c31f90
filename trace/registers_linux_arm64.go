package trace

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sets of registers, of <linux/elf.h>.
const (
	generalRegisters = 1     // NT_PRSTATUS
	callNumber       = 0x404 // NT_ARM_SYSTEM_CALL
)

// state is a thread's registers at a stop before a call.
type state struct{ unix.PtraceRegsArm64 }

func registers(tid int) (*state, error) {
	var s state
	return &s, unix.PtraceGetRegSetArm64(tid, generalRegisters, &s.PtraceRegsArm64)
}

// calling replaces the call by another.
func (s *state) calling(tid int, nr, first, second uint64) error {
	number := int32(nr)
	iov := unix.Iovec{Base: (*byte)(unsafe.Pointer(&number)), Len: uint64(unsafe.Sizeof(number))}
	if err := ptraceInto(unix.PTRACE_SETREGSET, tid, callNumber, unsafe.Pointer(&iov)); err != nil {
		return err
	}
	regs := s.PtraceRegsArm64
	regs.Regs[0], regs.Regs[1] = first, second
	return unix.PtraceSetRegSetArm64(tid, generalRegisters, &regs)
}

// again takes the thread back to before the call.
func (s *state) again(tid int) error {
	regs := s.PtraceRegsArm64
	regs.Pc -= 4 // the length of an instruction
	return unix.PtraceSetRegSetArm64(tid, generalRegisters, &regs)
}
