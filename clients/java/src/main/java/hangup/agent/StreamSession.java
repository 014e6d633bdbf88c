package hangup.agent;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;

/**
 * A session of a TCP client: the calls that a client file fills in, and the ops made of them. After an end of stream
 * or an error the next op makes its call all the same: what the second call reports is a question of its own.
 */
public abstract non-sealed class StreamSession extends Session {
    private static final int MAX_READ = 65536;

    /** Has a connect succeeded? It stays true when the connection has ended since. */
    private boolean connected;

    /** With TLS the handshake is a part of it. */
    protected abstract void connect(Op.Connect op) throws IOException;

    protected abstract void send(byte[] data) throws IOException;

    /** One read of at most {@code length} bytes: how many came, or -1 at the end of the stream. */
    protected abstract int read(byte[] buffer, int length) throws IOException;

    protected abstract void shutdown() throws IOException;

    @Override
    final void perform(Op op, Report report) throws IOException {
        if (op instanceof Op.Exchange exchange) {
            exchange(exchange, report);
        } else if (op instanceof Op.Connect connect) {
            connect(connect, report);
        } else if (op instanceof Op.Send send) {
            send(send.data(), report);
        } else if (op instanceof Op.Recv recv) {
            report.receives();
            receive(recv.bytes() == null ? Integer.MAX_VALUE : recv.bytes(), report);
        } else if (op instanceof Op.Shutdown) {
            report.phase(Phase.SHUTDOWN);
            requireConnection();
            shutdown();
        }
    }

    private void exchange(Op.Exchange op, Report report) throws IOException {
        report.receives();
        report.eof(false);
        if (!connected) {
            connect(op.connect(), report);
        }
        send(op.request(), report);
        receive(op.announced(), report);
    }

    private void connect(Op.Connect op, Report report) throws IOException {
        report.phase(Phase.CONNECT);
        if (connected) {
            throw new AgentFailure("the session is connected already");
        }
        connect(op);
        connected = true;
    }

    private void send(String data, Report report) throws IOException {
        report.phase(Phase.SEND);
        requireConnection();
        send(data.getBytes(ISO_8859_1));
    }

    private void receive(int wanted, Report report) throws IOException {
        report.phase(Phase.RECV);
        report.eof(false);
        requireConnection();
        byte[] buffer = new byte[Math.min(wanted, MAX_READ)];
        int missing = wanted;
        while (missing > 0) {
            int count = read(buffer, Math.min(missing, MAX_READ));
            if (count < 0) {
                report.eof(true);
                return;
            }
            report.received(buffer, count);
            missing -= count;
        }
    }

    private void requireConnection() {
        if (!connected) {
            throw new AgentFailure("the session has never been connected");
        }
    }
}
