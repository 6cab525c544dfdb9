package disk

import (
	"container/list"
	"io"
	"io/fs"
	"sync"
)

// Blocks returns a disk that is made of blocks of equal size, each read when it is first asked for. keep is how many are held.
// read returns the bytes of a block, of which fewer than its size, or none, are followed by zeros; it may be called by several
// goroutines at once, and never twice at a time for one block.
func Blocks(size, blockSize int64, keep int, read func(index int64) ([]byte, error)) io.ReaderAt {
	return &blocks{size: size, blockSize: blockSize, keep: max(keep, 1), read: read, held: map[int64]*list.Element{}, order: list.New()}
}

type blocks struct {
	size, blockSize int64
	keep            int
	read            func(int64) ([]byte, error)

	mu    sync.Mutex
	held  map[int64]*list.Element
	order *list.List // of *block; the one that was used last comes first
}

type block struct {
	index int64
	once  sync.Once
	data  []byte
	err   error
}

// get returns a block.
func (b *blocks) get(index int64) ([]byte, error) {
	b.mu.Lock()
	e, ok := b.held[index]
	if ok {
		b.order.MoveToFront(e)
	} else {
		e = b.order.PushFront(&block{index: index})
		b.held[index] = e
		if b.order.Len() > b.keep {
			last := b.order.Back()
			b.order.Remove(last)
			delete(b.held, last.Value.(*block).index)
		}
	}
	b.mu.Unlock()
	one := e.Value.(*block)
	one.once.Do(func() { one.data, one.err = b.read(index) })
	if one.err != nil {
		b.mu.Lock()
		if b.held[index] == e { // the next one who asks tries again
			b.order.Remove(e)
			delete(b.held, index)
		}
		b.mu.Unlock()
	}
	return one.data, one.err
}

// ReadAt reads as io.ReaderAt has it.
func (b *blocks) ReadAt(p []byte, off int64) (n int, err error) {
	defer guard(&err)
	if off < 0 {
		return 0, fs.ErrInvalid
	}
	if off >= b.size {
		return 0, io.EOF
	}
	if left := b.size - off; int64(len(p)) > left {
		p, err = p[:left], io.EOF
	}
	for len(p) > 0 {
		data, failed := b.get(off / b.blockSize)
		if failed != nil {
			return n, failed
		}
		from := off % b.blockSize
		part := p[:min(int64(len(p)), b.blockSize-from)]
		copied := 0
		if from < int64(len(data)) {
			copied = copy(part, data[from:])
		}
		clear(part[copied:])
		p, off, n = p[len(part):], off+int64(len(part)), n+len(part)
	}
	return n, err
}
