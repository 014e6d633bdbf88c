// The Go agent: hosts the clients of this folder and obeys the harness, by agent protocol 2.
//
// This file reads requests, finds their sessions and runs each op in a goroutine of its own. It does not know what
// a client does, nor what a trial is expected to show. A new client is a file client_<name>.go and an entry in
// client.toml.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"time"
)

// sessionKey names one user of one client.
type sessionKey struct{ client, session string }

// agent belongs to the goroutine that reads the requests. Sessions are found in the order of the requests, and the
// map needs no lock.
type agent struct {
	sessions map[sessionKey]session
}

func main() {
	emit(newHello())
	a := agent{sessions: map[sessionKey]session{}}
	in := bufio.NewReaderSize(os.Stdin, 1<<16)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return // The harness has hung up; the ops in flight end with the process.
		}
		a.handle(line)
	}
}

// handle starts what one line asks for, and does not wait for it.
func (a *agent) handle(line []byte) {
	req, err := decode(line)
	switch {
	case err != nil && req.ID == 0:
		log.Printf("no request: %v", err)
	case err != nil:
		emit(failed(req.ID, fmt.Sprintf("unreadable request: %v", err)))
	case req.Op == "ping":
		emit(reply{Type: "reply", ID: req.ID, Result: resultObserved})
	default:
		a.start(req)
	}
}

// start runs a client's op in a goroutine.
func (a *agent) start(req request) {
	client, known := clients[req.Client]
	if !known {
		emit(failed(req.ID, "this agent hosts no client "+req.Client))
		return
	}
	if req.TLS && roots == nil {
		emit(failed(req.ID, "the environment variable HANGUP_CA names no file with a CA to trust"))
		return
	}
	key := sessionKey{req.Client, req.Session}
	ops, open := a.sessions[key]
	if !open {
		ops = client.open()
		a.sessions[key] = ops
	}
	if req.Op == "close" {
		delete(a.sessions, key) // Even while another op of the session still blocks.
	}
	run, able := ops[req.Op]
	if !able {
		emit(reply{Type: "reply", ID: req.ID, Result: resultUnsupported})
		return
	}
	go func() { emit(perform(run, req)) }()
}

// perform runs one op and words its answer. A panic is a bug on this side of the API, which the other trials in this
// process must survive.
func perform(run op, req request) (answer reply) {
	defer func() {
		if fault := recover(); fault != nil {
			answer = failed(req.ID, fmt.Sprintf("panic: %v", fault))
		}
	}()
	began := time.Now()
	seen, err := run(req)
	took := time.Since(began).Milliseconds()
	if err != nil {
		return failed(req.ID, err.Error())
	}
	return observed(req.ID, seen, took)
}
