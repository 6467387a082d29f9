// What the documentation shows of Go is part of a program that compiles.

package main

import (
	"os"
	"strings"
	"testing"
)

func TestDocumentationShowsPartsOfTheExample(t *testing.T) {
	example, err := os.ReadFile("example/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"../../../adapters/dubbo-go/README.md", "../../../docs/src/how-to/dubbo-go.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, found := strings.Cut(string(text), "```go\n")
		if !found {
			t.Errorf("%s shows no Go", page)
		}
		for found {
			var block string
			block, rest, _ = strings.Cut(rest, "```")
			if !strings.Contains(unindented(string(example)), unindented(block)) {
				t.Errorf("%s shows what the example does not have:\n%s", page, block)
			}
			_, rest, found = strings.Cut(rest, "```go\n")
		}
	}
}

func unindented(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}
