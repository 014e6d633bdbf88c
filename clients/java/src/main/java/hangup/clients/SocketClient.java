package hangup.clients;

import hangup.agent.StreamSession;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;

/** java/socket: a {@link Socket} and its two streams. */
final class SocketClient extends StreamSession {
    private volatile Socket socket = new Socket();

    @Override
    protected boolean connected() {
        return socket.isConnected();
    }

    @Override
    protected void connect(InetSocketAddress peer) throws IOException {
        socket = new Socket(); // a connect that failed has closed the one before
        socket.connect(peer);
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
