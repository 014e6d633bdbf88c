// How Go shows an error: the chain that errors.Unwrap walks, and the line that log prints. This file knows no client.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"reflect"
	"strings"
	"syscall"
)

// link is one error of a chain.
type link struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Errno   int    `json:"errno,omitempty"`
	Code    string `json:"code,omitempty"`
}

// chain lists err and the errors that it wraps, from what the application catches down to the cause, each once. Where
// an error wraps several, they follow one after the other, each with its own causes.
func chain(err error) []link {
	var links []link
	met := map[error]bool{}
	var visit func(error)
	visit = func(err error) {
		if err == nil {
			return
		}
		// An error that cannot be compared is a value, which cannot be part of a cycle by itself.
		if reflect.ValueOf(err).Comparable() {
			if met[err] {
				return
			}
			met[err] = true
		}
		links = append(links, describe(err))
		if many, joined := err.(interface{ Unwrap() []error }); joined {
			for _, cause := range many.Unwrap() {
				visit(cause)
			}
			return
		}
		visit(errors.Unwrap(err))
	}
	visit(err)
	return links
}

// printed is the line that log.Fatal(err) leaves, without the time in front of it.
func printed(err error) string {
	var line strings.Builder
	log.New(&line, "", 0).Print(err)
	return strings.TrimSuffix(line.String(), "\n")
}

func describe(err error) link {
	described := link{Type: fmt.Sprintf("%T", err), Message: err.Error()}
	if number, isErrno := err.(syscall.Errno); isErrno {
		described.Errno = int(number)
		described.Code = errnoNames[number]
		return described
	}
	for _, known := range sentinels {
		// Not errors.Is, which would find the sentinel in every error above it.
		if err == known.value {
			described.Code = known.name
		}
	}
	return described
}

// sentinels are the exported error values that programs compare with: the value, not its type, is what identifies
// them.
var sentinels = []struct {
	name  string
	value error
}{
	{"io.EOF", io.EOF},
	{"io.ErrUnexpectedEOF", io.ErrUnexpectedEOF},
	{"net.ErrClosed", net.ErrClosed},
	{"os.ErrDeadlineExceeded", os.ErrDeadlineExceeded},
	{"context.Canceled", context.Canceled},
	{"context.DeadlineExceeded", context.DeadlineExceeded},
	{"http.ErrBodyReadAfterClose", http.ErrBodyReadAfterClose},
	{"http.ErrLineTooLong", http.ErrLineTooLong},
	{"http.ErrSchemeMismatch", http.ErrSchemeMismatch},
}

// errnoNames holds the errors that a TCP socket can report; package syscall has the numbers of the platform, but not
// the names.
var errnoNames = map[syscall.Errno]string{
	syscall.EACCES:        "EACCES",
	syscall.EADDRINUSE:    "EADDRINUSE",
	syscall.EADDRNOTAVAIL: "EADDRNOTAVAIL",
	syscall.EBADF:         "EBADF",
	syscall.ECONNABORTED:  "ECONNABORTED",
	syscall.ECONNREFUSED:  "ECONNREFUSED",
	syscall.ECONNRESET:    "ECONNRESET",
	syscall.EHOSTDOWN:     "EHOSTDOWN",
	syscall.EHOSTUNREACH:  "EHOSTUNREACH",
	syscall.EINVAL:        "EINVAL",
	syscall.EMFILE:        "EMFILE",
	syscall.ENETDOWN:      "ENETDOWN",
	syscall.ENETRESET:     "ENETRESET",
	syscall.ENETUNREACH:   "ENETUNREACH",
	syscall.ENOBUFS:       "ENOBUFS",
	syscall.ENOPROTOOPT:   "ENOPROTOOPT",
	syscall.ENOTCONN:      "ENOTCONN",
	syscall.EPERM:         "EPERM",
	syscall.EPIPE:         "EPIPE",
	syscall.EPROTO:        "EPROTO",
	syscall.ETIMEDOUT:     "ETIMEDOUT",
}
