package hangup.agent;

import java.net.InetSocketAddress;

/**
 * What a request asks of a session. The components are the protocol's fields; bytes are carried as Latin-1 text.
 */
public sealed interface Op {

    record Exchange(String host, int port, String method, String path, String body, String request, int announced,
            boolean tls) implements Op {

        Connect connect() {
            return new Connect(host, port, tls, false);
        }

        public String url() {
            return (tls ? "https://" : "http://") + (host.contains(":") ? "[" + host + "]" : host) + ":" + port + path;
        }
    }

    record Connect(String host, int port, boolean tls, boolean keepalive) implements Op {

        public InetSocketAddress peer() {
            return new InetSocketAddress(host, port);
        }
    }

    record Send(String data) implements Op {}

    /** {@code bytes} is null to read until the end of the stream. */
    record Recv(Integer bytes) implements Op {}

    record Shutdown() implements Op {}

    record Close() implements Op {}
}
