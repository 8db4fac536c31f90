package narrow

import "sync"

// memory keeps answers to questions that many ask.
type memory[T any] struct {
	mu    sync.Mutex
	known map[string]*answer[T]
}

type answer[T any] struct {
	asked sync.Once
	value T
	err   error
}

func newMemory[T any]() *memory[T] { return &memory[T]{known: map[string]*answer[T]{}} }

// once returns the answer to a question, which is worked out once.
func (m *memory[T]) once(question string, ask func() (T, error)) (T, error) {
	m.mu.Lock()
	a := m.known[question]
	if a == nil {
		a = &answer[T]{}
		m.known[question] = a
	}
	m.mu.Unlock()
	a.asked.Do(func() { a.value, a.err = ask() })
	return a.value, a.err
}
