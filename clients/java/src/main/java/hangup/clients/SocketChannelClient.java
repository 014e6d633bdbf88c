package hangup.clients;

import hangup.agent.Op;
import hangup.agent.StreamSession;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/**
 * java/nio-socketchannel: a {@link SocketChannel} in its default, blocking mode. It offers no TLS: over a channel its
 * users drive an {@code SSLEngine} by code of their own, and what would be measured is that code.
 */
final class SocketChannelClient extends StreamSession {
    private volatile SocketChannel channel;

    @Override
    protected void connect(Op.Connect op) throws IOException {
        channel = SocketChannel.open();
        if (op.keepalive()) {
            channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true); // the timing stays the system's
        }
        channel.connect(op.peer());
    }

    @Override
    protected void send(byte[] data) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(data);
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    @Override
    protected int read(byte[] buffer, int length) throws IOException {
        return channel.read(ByteBuffer.wrap(buffer, 0, length));
    }

    @Override
    protected void shutdown() throws IOException {
        channel.shutdownOutput();
    }

    @Override
    protected void close() throws IOException {
        if (channel != null) {
            channel.close();
        }
    }
}
