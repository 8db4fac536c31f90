package trace

import "golang.org/x/sys/unix"

// state is a thread's registers at a stop before a call.
type state struct{ unix.PtraceRegs }

func registers(tid int) (*state, error) {
	var s state
	return &s, unix.PtraceGetRegs(tid, &s.PtraceRegs)
}

// calling replaces the call by another.
func (s *state) calling(tid int, nr, first, second uint64) error {
	regs := s.PtraceRegs
	regs.Orig_rax, regs.Rdi, regs.Rsi = nr, first, second
	return unix.PtraceSetRegs(tid, &regs)
}

// again takes the thread back to before the call.
func (s *state) again(tid int) error {
	regs := s.PtraceRegs
	regs.Rip -= 2 // the length of the instruction
	regs.Rax = regs.Orig_rax
	return unix.PtraceSetRegs(tid, &regs)
}
