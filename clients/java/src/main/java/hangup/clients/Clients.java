package hangup.clients;

import hangup.agent.Client;
import java.util.List;

/** The clients of this agent. A further one is a file beside this one, a line here and a table in client.toml. */
public final class Clients {
    public static final List<Client> ALL = List.of(
            Client.stream("java/socket", SocketClient::new),
            Client.stream("java/nio-socketchannel", SocketChannelClient::new),
            Client.http("java/httpurlconnection", HttpUrlConnectionClient::new),
            Client.http("java/httpclient", HttpClientClient::new));

    private Clients() {}
}
