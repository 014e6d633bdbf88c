package main

import (
	"encoding/json"
	"testing"
)

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
