package hangup.clients;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import hangup.agent.HttpSession;
import hangup.agent.Op;
import hangup.agent.Phase;
import hangup.agent.Report;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLSocketFactory;

/**
 * java/httpurlconnection: an object a request, over a cache of kept-alive connections that the whole JVM shares, keyed
 * by host and port. The body of a POST is buffered, as it is by default: the first call that sends anything is
 * {@code getResponseCode}, for a GET and a POST alike.
 *
 * <p>With TLS the cache is keyed by the socket factory too: so that a session can use its connection again, all its
 * requests are given the same one, as those of an application are.
 */
final class HttpUrlConnectionClient extends HttpSession {
    private volatile HttpURLConnection last;
    private SSLSocketFactory secure;

    @Override
    protected void exchange(Op.Exchange op, Report report) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) URI.create(op.url()).toURL().openConnection();
        last = connection;
        if (connection instanceof HttpsURLConnection https) {
            https.setSSLSocketFactory(secureSockets());
        }
        connection.setRequestMethod(op.method());
        if (op.method().equals("POST")) {
            report.phase(Phase.CONNECT);
            connection.setDoOutput(true);
            try (OutputStream body = connection.getOutputStream()) {
                body.write(op.body().getBytes(ISO_8859_1));
            }
        }

        report.phase(Phase.EXCHANGE);
        int status = connection.getResponseCode();
        report.status(status);

        report.phase(Phase.RECV);
        InputStream body = status < 400 ? connection.getInputStream() : connection.getErrorStream();
        if (body != null) { // an error need not have a body
            report.received(body.readAllBytes());
        }
    }

    private SSLSocketFactory secureSockets() {
        if (secure == null) {
            secure = PrivateCa.context().getSocketFactory();
        }
        return secure;
    }

    /** Also closes the connection that went back to the cache, which it would not once the body had been closed. */
    @Override
    protected void close() {
        if (last != null) {
            last.disconnect();
        }
    }
}
