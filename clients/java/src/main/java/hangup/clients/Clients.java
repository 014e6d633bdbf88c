package hangup.clients;

import hangup.agent.Client;
import java.util.List;

/** The clients of this agent. A further one is a file beside this one, a line here and a table in client.toml. */
public final class Clients {
    public static final List<Client> ALL = List.of(
            Client.stream("java/socket", SocketClient::new, "tls", "keepalive"),
            Client.stream("java/nio-socketchannel", SocketChannelClient::new, "keepalive"),
            Client.http("java/httpurlconnection", HttpUrlConnectionClient::new, "tls"),
            Client.http("java/httpclient", HttpClientClient::new, "tls", "h2"));

    private Clients() {}
}
