package hangup.agent;

import java.util.List;
import java.util.function.Supplier;

/** A client that the agent hosts: its layer, the ops that follow from it, and how a session of it begins. */
public record Client(String id, String layer, List<String> ops, Supplier<? extends Session> begin) {

    public static Client stream(String id, Supplier<? extends StreamSession> begin) {
        return new Client(id, "stream", List.of("exchange", "connect", "send", "recv", "shutdown", "close"), begin);
    }

    public static Client http(String id, Supplier<? extends HttpSession> begin) {
        return new Client(id, "http", List.of("exchange", "close"), begin);
    }
}
