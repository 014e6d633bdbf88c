package hangup.agent;

import hangup.agent.Protocol.Request;
import java.util.List;
import java.util.function.Supplier;

/**
 * A client that the agent hosts: its layer, the ops that follow from it, what its API offers beside them, and how a
 * session of it begins.
 */
public record Client(
        String id, String layer, List<String> ops, List<String> features, Supplier<? extends Session> begin) {

    public static Client stream(String id, Supplier<? extends StreamSession> begin, String... features) {
        List<String> ops = List.of("exchange", "connect", "send", "recv", "shutdown", "close");
        return new Client(id, "stream", ops, List.of(features), begin);
    }

    public static Client http(String id, Supplier<? extends HttpSession> begin, String... features) {
        return new Client(id, "http", List.of("exchange", "close"), List.of(features), begin);
    }

    boolean offers(Request request) {
        return ops.contains(request.op()) && features.containsAll(request.features());
    }
}
