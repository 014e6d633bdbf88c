package hangup.agent;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.annotations.SerializedName;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/** The messages of protocol 2 as they stand on a line. Knows nothing of clients, and does no input or output. */
final class Protocol {
    private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

    private static final Map<String, Class<? extends Op>> OPS = Map.of(
            "exchange", Op.Exchange.class,
            "connect", Op.Connect.class,
            "send", Op.Send.class,
            "recv", Op.Recv.class,
            "shutdown", Op.Shutdown.class,
            "close", Op.Close.class);

    private Protocol() {}

    /** A request's envelope; {@code client} and {@code session} are null in a ping. */
    record Request(long id, String op, String client, String session, JsonObject fields) {

        static Request parse(String line) {
            JsonObject fields = JsonParser.parseString(line).getAsJsonObject();
            fill(fields);
            return new Request(
                    fields.get("id").getAsLong(),
                    fields.get("op").getAsString(),
                    text(fields, "client"),
                    text(fields, "session"),
                    fields);
        }

        /** Writes out what is to follow the request's bytes. */
        private static void fill(JsonObject fields) {
            int fill = fields.has("fill") ? fields.get("fill").getAsInt() : 0;
            for (String name : List.of("body", "request", "data")) {
                if (fill > 0 && fields.has(name)) {
                    fields.addProperty(name, fields.get(name).getAsString() + "x".repeat(fill));
                }
            }
        }

        private static String text(JsonObject fields, String name) {
            return fields.has(name) ? fields.get(name).getAsString() : null;
        }

        /** What a client must offer, beside the op, to do what is asked. */
        List<String> features() {
            return Stream.of("tls", "keepalive").filter(name -> fields.has(name) && fields.get(name).getAsBoolean())
                    .toList();
        }

        Op decode() {
            return GSON.fromJson(fields, OPS.get(op));
        }
    }

    record Hello(String type, int protocol, String language, String runtime, Map<String, ClientInfo> clients) {}

    /** {@code versions} is empty for what is a part of the JDK: its version is the runtime's. */
    record ClientInfo(String layer, List<String> ops, List<String> features, Map<String, String> versions) {}

    /** One exception of a chain. Java gives no error numbers, only text. */
    record Link(String type, String message) {}

    enum Result {
        @SerializedName("observed") OBSERVED,
        @SerializedName("unsupported") UNSUPPORTED,
        @SerializedName("failed") FAILED
    }

    /** Null components are left out of the line. */
    record Reply(
            String type,
            long id,
            Result result,
            String why,
            String phase,
            Integer status,
            Integer received,
            String sha256,
            Boolean eof,
            Long ms,
            List<Link> error,
            String printed) {

        static Reply observed(long id) {
            return new Reply("reply", id, Result.OBSERVED, null, null, null, null, null, null, null, null, null);
        }

        static Reply observed(long id, Report report, long ms, List<Link> error, String printed) {
            String phase = report.phase().name().toLowerCase(Locale.ROOT);
            return new Reply("reply", id, Result.OBSERVED, null, phase, report.status(), report.received(),
                    report.sha256(), report.eof(), ms, error, printed);
        }

        static Reply unsupported(long id) {
            return new Reply("reply", id, Result.UNSUPPORTED, null, null, null, null, null, null, null, null, null);
        }

        static Reply failed(long id, String why) {
            return new Reply("reply", id, Result.FAILED, why, null, null, null, null, null, null, null, null);
        }
    }

    /** One line without its end, in ASCII: outside a JSON string nothing else can occur, so each escape is inside one. */
    static String line(Record message) {
        String json = GSON.toJson(message);
        StringBuilder line = new StringBuilder(json.length());
        for (int i = 0; i < json.length(); i++) {
            char c = json.charAt(i);
            if (c < 0x7f) {
                line.append(c);
            } else {
                line.append(String.format("\\u%04x", (int) c));
            }
        }
        return line.toString();
    }
}
