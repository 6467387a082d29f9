// Server-sent events as bytes.

package kubernetes

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func stream(text string) *events { return newEvents(io.NopCloser(strings.NewReader(text))) }

func TestEventsAreReadOneByOneInEveryForm(t *testing.T) {
	read := stream(": comment\n\nevent: added\nid: 1\ndata: {}\n\ndata:a\r\ndata: b\r\n\r\nid: 7\n\nother: x\n\ndata: cut")
	defer read.close()
	for _, wanted := range []event{
		{"added", "1", []byte("{}")}, {"", "", []byte("a\nb")}, {"", "7", nil},
	} {
		got, err := read.next()
		if err != nil || got.name != wanted.name || got.id != wanted.id || string(got.data) != string(wanted.data) {
			t.Fatalf("%+v %v instead of %+v", got, err, wanted)
		}
	}
	if _, err := read.next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("half an event: %v", err)
	}
}

func TestLinesOfAnyLengthAreReadAndTooLargeEventsAreNot(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	read := stream("data: " + long + "\n\n")
	if got, err := read.next(); err != nil || string(got.data) != long {
		t.Fatalf("%d bytes, %v", len(got.data), err)
	}
	for _, text := range []string{"data: " + long + "\n\n", strings.Repeat("data: 1234567890\n", 10_000)} {
		read := stream(text)
		read.limit = 100_000
		if _, err := read.next(); err == nil || !strings.Contains(err.Error(), "larger than 100000 bytes") {
			t.Fatalf("%v", err)
		}
	}
}
