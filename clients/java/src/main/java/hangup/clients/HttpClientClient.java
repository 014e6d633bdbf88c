package hangup.clients;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import hangup.agent.HttpSession;
import hangup.agent.Op;
import hangup.agent.Report;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.atomic.AtomicLong;

/**
 * java/httpclient: {@link HttpClient}, which asks for HTTP/2 by default: by an upgrade without TLS, by ALPN with it.
 *
 * <p>A client a session, although a process needs only one: the pool of one for all would outlive each session, and
 * where the network swallowed the end of a connection, a later session to the same port could be given it again.
 */
final class HttpClientClient extends HttpSession {
    static {
        HttpClient.newHttpClient(); // loads what the first exchange would wait for
    }

    private static final long COLLECT_NANOS = 500_000_000;

    private static final AtomicLong collected = new AtomicLong(System.nanoTime());

    private volatile HttpClient client;

    @Override
    protected void exchange(Op.Exchange op, Report report) throws IOException, InterruptedException {
        if (client == null) {
            HttpClient.Builder builder = HttpClient.newBuilder();
            client = (op.tls() ? builder.sslContext(PrivateCa.context()) : builder).build();
        }
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(op.url()));
        if (op.method().equals("POST")) {
            request.POST(BodyPublishers.ofString(op.body(), ISO_8859_1));
        }
        HttpResponse<byte[]> response = client.send(request.build(), BodyHandlers.ofByteArray());
        report.status(response.statusCode());
        report.received(response.body());
    }

    /**
     * From Java 21 on a client can be closed. Before, it ends (within 3 s) when the collector finds it unused, which is
     * asked to look now and then: a collection costs as much as several sessions, and finds all clients since the last.
     */
    @Override
    protected void close() throws Exception {
        if (client instanceof AutoCloseable) {
            ((AutoCloseable) client).close();
        } else {
            client = null;
            long last = collected.get();
            long now = System.nanoTime();
            if (now - last >= COLLECT_NANOS && collected.compareAndSet(last, now)) {
                System.gc();
            }
        }
    }
}
