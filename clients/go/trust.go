// Whom the clients trust over TLS. This file knows no client.

package main

import (
	"crypto/x509"
	"os"
)

// roots holds the one CA to trust, which is in the PEM file that the environment variable HANGUP_CA names; nil where
// it names none, and then no op runs over TLS.
var roots = readRoots(os.Getenv("HANGUP_CA"))

func readRoots(path string) *x509.CertPool {
	text, err := os.ReadFile(path)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(text) {
		return nil
	}
	return pool
}
