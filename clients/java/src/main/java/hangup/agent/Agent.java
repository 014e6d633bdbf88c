package hangup.agent;

import static java.nio.charset.StandardCharsets.US_ASCII;

import hangup.agent.Protocol.Link;
import hangup.agent.Protocol.Reply;
import hangup.agent.Protocol.Request;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Answers requests: the sessions, and a thread for each op. Knows what a session is, and nothing of any API.
 *
 * <p>Only the thread that reads requests touches the sessions, so they need no lock.
 */
final class Agent {
    private final Map<String, Client> clients;
    private final OutputStream out;
    private final Uncaught uncaught;
    private final Map<String, Live> sessions = new HashMap<>();
    private final ExecutorService workers = Executors.newCachedThreadPool();

    /** A session in use. {@code busy} is cleared before the op's reply is written, so before a next op can come. */
    private static final class Live {
        final Session session;
        volatile boolean busy;
        Future<?> running;

        Live(Session session) {
            this.session = session;
        }
    }

    private interface Call {
        void make(Report report) throws Exception;
    }

    Agent(Map<String, Client> clients, OutputStream out, Uncaught uncaught) {
        this.clients = clients;
        this.out = out;
        this.uncaught = uncaught;
    }

    /** Returns when the requests end. Ops may still be in flight then. */
    void serve(BufferedReader requests) throws IOException {
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            Request request = Request.parse(line);
            try {
                take(request);
            } catch (RuntimeException | Error e) {
                write(Reply.failed(request.id(), e.toString()));
            }
        }
    }

    private void take(Request request) {
        if (request.op().equals("ping")) {
            write(Reply.observed(request.id()));
            return;
        }
        Client client = clients.get(request.client());
        if (client == null) {
            write(Reply.failed(request.id(), "unknown client " + request.client()));
        } else if (!client.offers(request)) {
            write(Reply.unsupported(request.id()));
        } else if (request.decode() instanceof Op.Close) {
            close(request);
        } else {
            start(request, client);
        }
    }

    private void start(Request request, Client client) {
        Live live = sessions.computeIfAbsent(request.session(), name -> new Live(client.begin().get()));
        if (live.busy) {
            throw new AgentFailure("the session's last op is still running");
        }
        Op op = request.decode();
        live.busy = true;
        live.running = workers.submit(() -> {
            Reply reply = run(request.id(), report -> live.session.perform(op, report));
            live.busy = false;
            write(reply);
        });
    }

    /** An idle session's close is an op like any other. One that blocks is interrupted, and not waited for. */
    private void close(Request request) {
        Live live = sessions.remove(request.session());
        if (live == null) {
            write(Reply.observed(request.id()));
            return;
        }
        Call close = report -> {
            report.phase(Phase.CLOSE);
            live.session.close();
        };
        if (live.busy) {
            live.running.cancel(true);
            workers.submit(() -> run(request.id(), close));
            write(Reply.observed(request.id()));
        } else {
            workers.submit(() -> write(run(request.id(), close)));
        }
    }

    /**
     * What the call threw is the API's, unless it cannot be: an interrupt and what our own code throws are ours, an
     * {@link Error} is the machine's.
     */
    private Reply run(long id, Call call) {
        Report report = new Report();
        long start = System.nanoTime();
        try {
            call.make(report);
            return Reply.observed(id, report, since(start), null, null);
        } catch (InterruptedException | Error e) {
            return Reply.failed(id, e.toString());
        } catch (Exception e) {
            long ms = since(start);
            if (Uncaught.isOurs(e)) {
                return Reply.failed(id, e.toString());
            }
            List<Link> links = Uncaught.chain(e).stream().map(Agent::link).toList();
            return Reply.observed(id, report, ms, links, uncaught.print(e));
        }
    }

    private static long since(long start) {
        return (System.nanoTime() - start) / 1_000_000;
    }

    private static Link link(Throwable error) {
        String name = error.getClass().getCanonicalName();
        String message = error.getMessage();
        return new Link(name == null ? error.getClass().getName() : name, message == null ? "" : message);
    }

    /** One write a line. A harness that no longer listens has no more use for the agent. */
    void write(Record message) {
        byte[] line = (Protocol.line(message) + "\n").getBytes(US_ASCII);
        synchronized (out) {
            try {
                out.write(line);
            } catch (IOException e) {
                Runtime.getRuntime().halt(1);
            }
        }
    }
}
