// go/net-http: http.Client with the default settings; over TLS it speaks HTTP/2 where the peer offers it by ALPN.

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net/http"
)

func init() {
	register("go/net-http", client{layer: "http", features: []string{"tls", "h2"}, open: func() session {
		ctx, giveUp := context.WithCancel(context.Background())
		// The zero Client uses http.DefaultTransport, one for the whole process: a clone has its settings and a
		// pool of its own.
		transport := http.DefaultTransport.(*http.Transport).Clone()
		// A transport with a TLS configuration of its own loses HTTP/2, but for ForceAttemptHTTP2, which this one has.
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
		s := &nethttpSession{ctx: ctx, giveUp: giveUp, client: http.Client{Transport: transport}}
		return session{"exchange": s.exchange, "close": s.close}
	}})
}

type nethttpSession struct {
	ctx    context.Context // ends an exchange that still blocks when the session is closed
	giveUp context.CancelFunc
	client http.Client
}

func (s *nethttpSession) exchange(req request) (observation, error) {
	request, err := s.request(req)
	if err != nil {
		return observation{}, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return observation{Phase: "exchange", Got: []byte{}, Err: err}, nil
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body) // With an error, what was read before it.
	return observation{Phase: "exchange", Status: &response.StatusCode, Got: body, Err: err}, nil
}

// request makes what Client.Get and Client.Post make.
func (s *nethttpSession) request(req request) (*http.Request, error) {
	scheme := "http://"
	if req.TLS {
		scheme = "https://"
	}
	url := scheme + req.address() + req.Path
	if req.Method != http.MethodPost {
		return http.NewRequestWithContext(s.ctx, req.Method, url, nil)
	}
	request, err := http.NewRequestWithContext(s.ctx, req.Method, url, bytes.NewReader(req.Body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/octet-stream")
	return request, nil
}

func (s *nethttpSession) close(request) (observation, error) {
	s.giveUp()
	s.client.CloseIdleConnections()
	return observation{Phase: "close"}, nil
}
