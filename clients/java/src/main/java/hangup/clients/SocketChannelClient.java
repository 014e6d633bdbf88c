package hangup.clients;

import hangup.agent.StreamSession;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** java/nio-socketchannel: a {@link SocketChannel} in its default, blocking mode. */
final class SocketChannelClient extends StreamSession {
    private volatile SocketChannel channel;

    @Override
    protected boolean connected() {
        return channel != null && channel.isConnected();
    }

    @Override
    protected void connect(InetSocketAddress peer) throws IOException {
        channel = SocketChannel.open();
        channel.connect(peer);
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
