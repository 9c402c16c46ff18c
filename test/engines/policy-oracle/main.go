// policy-oracle says what the apiserver's own code makes of audit policies: one JSON question a line on stdin, one
// answer a line on stdout, in order.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"k8s.io/klog/v2"
)

type question struct {
	ID       int       `json:"id"`
	Policy   string    `json:"policy"`
	Requests []request `json:"requests"`
}

type answer struct {
	ID          int        `json:"id"`
	Error       string     `json:"error,omitempty"`
	StrictError string     `json:"strictError,omitempty"`
	FieldErrors []string   `json:"fieldErrors,omitempty"`
	Results     []decision `json:"results,omitempty"`
}

func main() {
	// The loader's warnings are part of the answer, not of the log.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	if err := answerAll(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "policy-oracle: %v\n", err)
		os.Exit(1)
	}
}

func answerAll(in io.Reader, out io.Writer) error {
	writer := bufio.NewWriterSize(out, 1<<16)
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	reader := bufio.NewReaderSize(in, 1<<16)
	for line := 1; ; line++ {
		text, readErr := reader.ReadBytes('\n')
		if len(text) > 0 {
			var q question
			if err := json.Unmarshal(text, &q); err != nil {
				return fmt.Errorf("cannot read question %d: %w", line, err)
			}
			if err := encoder.Encode(answerOne(q)); err != nil {
				return fmt.Errorf("cannot answer question %d: %w", line, err)
			}
		}
		if readErr != nil {
			break
		}
		// Whoever asks one at a time waits for the answer.
		if reader.Buffered() == 0 {
			if err := writer.Flush(); err != nil {
				return err
			}
		}
	}
	return writer.Flush()
}

func answerOne(q question) answer {
	loaded := load([]byte(q.Policy))
	a := answer{ID: q.ID, Error: loaded.refusal, StrictError: loaded.strictError, FieldErrors: loaded.fieldErrors}
	if loaded.policy != nil {
		a.Results = decide(loaded.policy, q.Requests)
	}
	return a
}
