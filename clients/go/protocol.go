// The lines of agent protocol 2, and how they are written. This file knows no client and no socket.

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	resultObserved    = "observed"    // the API's own answer
	resultUnsupported = "unsupported" // the client has no such op
	resultFailed      = "failed"      // the agent could not run it
)

// request holds the fields of every op; those that an op does not have are zero.
type request struct {
	ID      int    `json:"id"`
	Op      string `json:"op"`
	Client  string `json:"client"`
	Session string `json:"session"`

	Host      string `json:"host"`
	Port      int    `json:"port"`
	TLS       bool   `json:"tls"`
	KeepAlive bool   `json:"keepalive"`

	Method string `json:"method"`
	Path   string `json:"path"`
	Body   wire   `json:"body"`

	Request   wire `json:"request"`
	Announced int  `json:"announced"`

	Data wire `json:"data"`
	Fill int  `json:"fill"` // so many bytes x follow the body, the request or the data, as a part of it

	Bytes *int `json:"bytes"` // absent: until the end of the stream
}

// decode reads a request, and appends what is to follow its bytes.
func decode(line []byte) (request, error) {
	var req request
	if err := json.Unmarshal(line, &req); err != nil {
		return req, err
	}
	fill := bytes.Repeat([]byte("x"), req.Fill)
	req.Body, req.Request, req.Data = append(req.Body, fill...), append(req.Request, fill...), append(req.Data, fill...)
	return req, nil
}

// address is the target in the form that net.Dial and URLs take.
func (r request) address() string { return net.JoinHostPort(r.Host, strconv.Itoa(r.Port)) }

// wire is bytes for the wire, which the protocol carries as text with one character a byte (Latin-1).
type wire []byte

func (w *wire) UnmarshalJSON(quoted []byte) error {
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		return err
	}
	octets := make(wire, 0, len(text))
	for _, char := range text {
		if char > 0xff {
			return fmt.Errorf("%q is not a byte", char)
		}
		octets = append(octets, byte(char))
	}
	*w = octets
	return nil
}

type hello struct {
	Type     string                `json:"type"`
	Protocol int                   `json:"protocol"`
	Language string                `json:"language"`
	Runtime  string                `json:"runtime"`
	Clients  map[string]clientInfo `json:"clients"`
}

type clientInfo struct {
	Layer    string   `json:"layer"`
	Ops      []string `json:"ops"`
	Features []string `json:"features,omitempty"`
}

// newHello describes the registered clients. Those of the standard library have no version but the runtime's.
func newHello() hello {
	h := hello{Type: "hello", Protocol: 2, Language: "go", Runtime: runtime.Version(), Clients: map[string]clientInfo{}}
	for id, c := range clients {
		var ops []string
		for name := range c.open() {
			ops = append(ops, name)
		}
		slices.Sort(ops)
		h.Clients[id] = clientInfo{Layer: c.layer, Ops: ops, Features: c.features}
	}
	return h
}

type reply struct {
	Type   string `json:"type"`
	ID     int    `json:"id"`
	Result string `json:"result"`
	Why    string `json:"why,omitempty"`
	observation
	Received *int   `json:"received,omitempty"`
	SHA256   string `json:"sha256,omitempty"`
	MS       *int64 `json:"ms,omitempty"`
	Error    []link `json:"error,omitempty"`
	Printed  string `json:"printed,omitempty"`
}

// observed words what an API gave in an op that took so many milliseconds.
func observed(id int, seen observation, ms int64) reply {
	answer := reply{Type: "reply", ID: id, Result: resultObserved, observation: seen, MS: &ms}
	if seen.Got != nil {
		received := len(seen.Got)
		answer.Received = &received
	}
	if len(seen.Got) > 0 {
		answer.SHA256 = fmt.Sprintf("%x", sha256.Sum256(seen.Got))
	}
	if seen.Err != nil {
		answer.Error = chain(seen.Err)
		answer.Printed = printed(seen.Err)
	}
	return answer
}

func failed(id int, why string) reply {
	return reply{Type: "reply", ID: id, Result: resultFailed, Why: why}
}

// stdout carries protocol lines only, each in one write.
var stdout sync.Mutex

// emit writes one message as one line.
func emit(message any) {
	text, err := json.Marshal(message)
	if err != nil {
		log.Fatalf("a message that is no JSON: %v", err) // A bug: every message is made of texts and numbers.
	}
	line := append(ascii(text), '\n')
	stdout.Lock()
	defer stdout.Unlock()
	if _, err := os.Stdout.Write(line); err != nil {
		log.Fatalf("the harness does not listen: %v", err)
	}
}

// ascii escapes what JSON text has beyond ASCII, which in valid JSON stands inside strings only.
func ascii(text []byte) []byte {
	escaped := make([]byte, 0, len(text)+1) // One more, for the line's end.
	for len(text) > 0 {
		char, size := utf8.DecodeRune(text)
		text = text[size:]
		if char < utf8.RuneSelf {
			escaped = append(escaped, byte(char))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, char) {
			escaped = fmt.Appendf(escaped, `\u%04x`, unit)
		}
	}
	return escaped
}
