package main

import (
	"encoding/json"
	"io"
	"testing"
)

func TestAReplyCountsAndHashesWhatCame(t *testing.T) {
	const hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2, appendix B.1
	for name, c := range map[string]struct {
		seen observation
		want string
	}{
		"an op without bytes": {observation{Phase: "send"}, `{"type":"reply","id":1,"result":"observed","phase":"send","ms":2}`},
		"no bytes came":       {observation{Got: []byte{}}, `{"type":"reply","id":1,"result":"observed","received":0,"ms":2}`},
		"bytes and an error": {observation{Got: []byte("abc"), Err: io.EOF}, `{"type":"reply","id":1,"result":"observed","received":3,` +
			`"sha256":"` + hash + `","ms":2,"error":[{"type":"*errors.errorString","message":"EOF","code":"io.EOF"}],"printed":"EOF"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(observed(1, c.seen, 2))
			if err != nil || string(got) != c.want {
				t.Errorf("got %s (%v), want %s", got, err, c.want)
			}
		})
	}
}

func TestASCIIIsTheSameJSON(t *testing.T) {
	const want = "plain \"quoted\" \\ \n caf\u00e9 \u2713 \U0001f600 \u007f <&>"
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	escaped := ascii(text)
	for _, char := range escaped {
		if char > 0x7f {
			t.Fatalf("%q is not ASCII", escaped)
		}
	}
	var got string
	if err := json.Unmarshal(escaped, &got); err != nil || got != want {
		t.Errorf("%s reads as %q (%v), want %q", escaped, got, err, want)
	}
}

func TestWireIsOneByteACharacter(t *testing.T) {
	var got wire
	if err := json.Unmarshal([]byte(`"A\u0000\u00e9ÿ\r\n"`), &got); err != nil {
		t.Fatal(err)
	}
	if want := "A\x00\xe9\xff\r\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, text := range []string{`"\u0100"`, `"✓"`, `7`} {
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s was taken for bytes", text)
		}
	}
}
