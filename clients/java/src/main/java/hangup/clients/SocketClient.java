package hangup.clients;

import hangup.agent.Op;
import hangup.agent.StreamSession;
import java.io.IOException;
import java.net.Socket;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/** java/socket: a {@link Socket} and its two streams; with TLS an {@link SSLSocket}, which is one too. */
final class SocketClient extends StreamSession {
    private volatile Socket socket = new Socket();

    @Override
    protected void connect(Op.Connect op) throws IOException {
        socket = op.tls() ? secureSocket() : new Socket(); // a connect that failed has closed the one before
        if (op.keepalive()) {
            socket.setKeepAlive(true); // the timing stays the system's
        }
        socket.connect(op.peer());
        if (socket instanceof SSLSocket secure) {
            secure.startHandshake(); // the first write would do it too
        }
    }

    /** An SSLSocket does not compare the certificate with the host until it is told to by this name. */
    private static SSLSocket secureSocket() throws IOException {
        SSLSocket secure = (SSLSocket) PrivateCa.context().getSocketFactory().createSocket();
        SSLParameters parameters = secure.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        secure.setSSLParameters(parameters);
        return secure;
    }

    @Override
    protected void send(byte[] data) throws IOException {
        socket.getOutputStream().write(data);
    }

    @Override
    protected int read(byte[] buffer, int length) throws IOException {
        return socket.getInputStream().read(buffer, 0, length);
    }

    @Override
    protected void shutdown() throws IOException {
        socket.shutdownOutput();
    }

    @Override
    protected void close() throws IOException {
        socket.close();
    }
}
