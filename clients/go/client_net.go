// go/net: a TCP connection by package net, with crypto/tls around it for TLS.

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"sync/atomic"
)

func init() {
	register("go/net", client{layer: "stream", features: []string{"tls", "keepalive"}, open: func() session {
		ctx, giveUp := context.WithCancel(context.Background())
		s := &netSession{ctx: ctx, giveUp: giveUp}
		return session{
			"exchange": s.exchange,
			"connect":  s.connect,
			"send":     s.connected(s.send),
			"recv":     s.connected(s.recv),
			"shutdown": s.connected(s.shutdown),
			"close":    s.close,
		}
	}})
}

type netSession struct {
	ctx    context.Context // ends a Dial that still blocks when the session is closed
	giveUp context.CancelFunc
	conn   atomic.Pointer[duplex] // nil until connected; close looks at it while another op runs
}

// duplex is a *net.TCPConn or a *tls.Conn, whose CloseWrite sends a close_notify and no FIN.
type duplex struct {
	net.Conn
	halfCloser
}

type halfCloser interface{ CloseWrite() error }

// systemKeepAlive is keep-alive with the system's timing. The zero Dialer turns it on as well, with a timing of Go's
// own: probes after 15 s of silence, 15 s apart, whatever the system is set to.
var systemKeepAlive = net.KeepAliveConfig{Enable: true, Idle: -1, Interval: -1, Count: -1}

func (s *netSession) dial(req request) error {
	var dialer net.Dialer // what net.Dial uses
	if req.KeepAlive {
		dialer.KeepAliveConfig = systemKeepAlive
	}
	dial := dialer.DialContext
	if req.TLS {
		dial = (&tls.Dialer{NetDialer: &dialer, Config: &tls.Config{RootCAs: roots}}).DialContext
	}
	conn, err := dial(s.ctx, "tcp", req.address())
	if err != nil {
		return err
	}
	s.conn.Store(&duplex{conn, conn.(halfCloser)})
	if s.ctx.Err() != nil {
		conn.Close() // The session was closed meanwhile, and may have seen no connection to close.
	}
	return nil
}

func (s *netSession) exchange(req request) (observation, error) {
	seen := observation{Got: []byte{}, EOF: new(bool)}
	if s.conn.Load() == nil {
		seen.Phase = "connect"
		if seen.Err = s.dial(req); seen.Err != nil {
			return seen, nil
		}
	}
	seen.Phase = "send"
	if _, seen.Err = s.conn.Load().Write(req.Request); seen.Err != nil || req.Announced == 0 {
		return seen, nil
	}
	return s.read(req.Announced), nil
}

func (s *netSession) connect(req request) (observation, error) {
	return observation{Phase: "connect", Err: s.dial(req)}, nil
}

func (s *netSession) send(req request) (observation, error) {
	_, err := s.conn.Load().Write(req.Data)
	return observation{Phase: "send", Err: err}, nil
}

func (s *netSession) recv(req request) (observation, error) {
	if req.Bytes != nil {
		return s.read(*req.Bytes), nil
	}
	seen := s.read(math.MaxInt)
	if *seen.EOF {
		seen.Err = nil // The end was asked for: io.EOF is an error to a reader that wants more, as io.ReadAll has it.
	}
	return seen, nil
}

// read reads until want bytes have come, or Read reports an error; the end of the stream is io.EOF.
func (s *netSession) read(want int) observation {
	const most = 65536 // that one Read asks for
	buffer := make([]byte, min(want, most))
	got, err := []byte{}, error(nil)
	for len(got) < want && err == nil {
		var n int
		n, err = s.conn.Load().Read(buffer[:min(want-len(got), most)])
		got = append(got, buffer[:n]...) // Bytes and an error may come together.
	}
	eof := err == io.EOF
	return observation{Phase: "recv", Got: got, EOF: &eof, Err: err}
}

func (s *netSession) shutdown(request) (observation, error) {
	return observation{Phase: "shutdown", Err: s.conn.Load().CloseWrite()}, nil
}

func (s *netSession) close(request) (observation, error) {
	s.giveUp()
	var err error
	if conn := s.conn.Load(); conn != nil {
		err = conn.Close() // A Read or Write that blocks returns with net.ErrClosed.
	}
	return observation{Phase: "close", Err: err}, nil
}

// connected is for ops that need a connection, whatever has become of it since.
func (s *netSession) connected(run op) op {
	return func(req request) (observation, error) {
		if s.conn.Load() == nil {
			return observation{}, errors.New("the session has never been connected")
		}
		return run(req)
	}
}
