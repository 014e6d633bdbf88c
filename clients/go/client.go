// What a client is. This file knows no client; each registers itself from a file of its own.

package main

// observation is what an API gave its user in one op.
type observation struct {
	// Phase is the call that ended the op.
	Phase string `json:"phase,omitempty"`
	// Status is the HTTP status that the application was given.
	Status *int `json:"status,omitempty"`
	// Got holds the bytes (of the body, for HTTP) that the application can use, in the order in which it got them; nil
	// where the op gives none. The reply has their number and their hash.
	Got []byte `json:"-"`
	// EOF tells whether a read of a stream was told that the stream has ended.
	EOF *bool `json:"eof,omitempty"`
	// Err is the API's error, as the application catches it.
	Err error `json:"-"`
}

// op performs one request. Its error says that the agent could not run the op, which is no word about the API: what
// the API reports is part of the observation.
type op func(request) (observation, error)

// session is one user of a client: the ops, by their protocol names, over a state that no other session shares. They
// come one at a time, except for close, which may come while another still blocks and must not wait for it.
type session map[string]op

// client is one API under test.
type client struct {
	layer    string         // stream or http
	features []string       // what its API offers beside its ops: tls, h2, keepalive
	open     func() session // makes a session; touches no network
}

var clients = map[string]client{}

// register adds a client under its id; each client's file calls it at start.
func register(id string, c client) { clients[id] = c }
