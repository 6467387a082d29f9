// Server-sent events, one at a time. It must never keep more of a stream than the event that it reads.

package kubernetes

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// silence is how long a stream may say nothing. The agent sends a comment every 15 seconds.
const silence = 45 * time.Second

var errSilent = errors.New("the agent's events stopped")

// event is one event: its name, its data, and the id to resume after.
type event struct {
	name string
	id   string
	data []byte
}

type events struct {
	body   io.ReadCloser
	limit  int
	lines  *bufio.Reader
	watch  *time.Timer
	silent atomic.Bool
}

func newEvents(body io.ReadCloser) *events {
	stream := &events{body: body, limit: longest, lines: bufio.NewReaderSize(body, 64<<10)}
	// A read of a body has no deadline of its own; closing the body ends it.
	stream.watch = time.AfterFunc(silence, func() {
		stream.silent.Store(true)
		body.Close()
	})
	return stream
}

func (s *events) close() {
	s.watch.Stop()
	s.body.Close()
}

// next is the next event, which may have no data: then only its id counts.
func (s *events) next() (event, error) {
	var read event
	var size int
	for {
		line, err := s.line(s.limit - size)
		if err != nil {
			return event{}, err
		}
		size += len(line)
		if len(line) == 0 {
			if read.name != "" || read.id != "" || read.data != nil {
				return read, nil
			}
			size = 0
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			read.name = string(value)
		case "id":
			read.id = string(value)
		case "data":
			if read.data != nil {
				read.data = append(read.data, '\n')
			}
			read.data = append(read.data, value...)
		}
	}
}

// line is the next line without its end; it is valid until the next one is read.
func (s *events) line(limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := s.lines.ReadSlice('\n')
		s.watch.Reset(silence)
		if len(line)+len(part) > limit {
			return nil, fmt.Errorf("an event of the agent is larger than %d bytes", s.limit)
		}
		switch {
		case err == nil && line == nil:
			return bytes.TrimRight(part, "\r\n"), nil
		case err == nil || errors.Is(err, bufio.ErrBufferFull):
			line = append(line, part...)
			if err == nil {
				return bytes.TrimRight(line, "\r\n"), nil
			}
		case s.silent.Load():
			return nil, errSilent
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}
