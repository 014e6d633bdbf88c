package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"syscall"
	"testing"
)

// knot is an error that, in the end, wraps itself.
type knot struct{ cause error }

func (k *knot) Error() string { return "knot" }
func (k *knot) Unwrap() error { return k.cause }

// many is an error that cannot be a map's key.
type many []error

func (m many) Error() string   { return "many" }
func (m many) Unwrap() []error { return m }

func TestChain(t *testing.T) {
	eof := link{Type: "*errors.errorString", Message: "EOF", Code: "io.EOF"}
	reset := link{"syscall.Errno", "connection reset by peer", int(syscall.ECONNRESET), "ECONNRESET"}
	several := link{Type: "main.many", Message: "many"}
	tied := &knot{}
	tied.cause = fmt.Errorf("round: %w", tied)

	for name, c := range map[string]struct {
		err  error
		want []link
	}{
		"a sentinel":           {io.EOF, []link{eof}},
		"a sentinel's text":    {errors.New("EOF"), []link{{Type: "*errors.errorString", Message: "EOF"}}},
		"above a sentinel":     {fmt.Errorf("read: %w", io.EOF), []link{{Type: "*fmt.wrapError", Message: "read: EOF"}, eof}},
		"an errno":             {syscall.ECONNRESET, []link{reset}},
		"two causes":           {many{syscall.ECONNRESET, io.EOF}, []link{several, reset, eof}},
		"the same cause twice": {many{io.EOF, nil, io.EOF}, []link{several, eof}},
		"a cycle": {tied, []link{
			{Type: "*main.knot", Message: "knot"},
			{Type: "*fmt.wrapError", Message: "round: knot"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := chain(c.err); !slices.Equal(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestChainOfRefusedDial(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()

	_, err = net.Dial("tcp", address)
	if err == nil {
		t.Fatal("a closed listener took a connection")
	}
	want := []link{
		{Type: "*net.OpError", Message: "dial tcp " + address + ": connect: connection refused"},
		{Type: "*os.SyscallError", Message: "connect: connection refused"},
		{Type: "syscall.Errno", Message: "connection refused", Errno: int(syscall.ECONNREFUSED), Code: "ECONNREFUSED"},
	}
	if got := chain(err); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := printed(err); got != want[0].Message {
		t.Errorf("printed %q, want %q", got, want[0].Message)
	}
}

func TestChainOfTLS(t *testing.T) {
	untrusted := httptest.NewTLSServer(nil)
	defer untrusted.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()

	const unknown = "x509: certificate signed by unknown authority"
	for name, c := range map[string]struct {
		server *httptest.Server
		want   []link
	}{
		"a certificate of an unknown CA": {untrusted, []link{
			{Type: "*tls.CertificateVerificationError", Message: "tls: failed to verify certificate: " + unknown},
			{Type: "x509.UnknownAuthorityError", Message: unknown},
		}},
		"no TLS at all": {plain, []link{
			{Type: "tls.RecordHeaderError", Message: "tls: first record does not look like a TLS handshake"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tls.Dial("tcp", c.server.Listener.Addr().String(), &tls.Config{RootCAs: x509.NewCertPool()})
			if err == nil {
				t.Fatal("the handshake succeeded")
			}
			if got := chain(err); !slices.Equal(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
