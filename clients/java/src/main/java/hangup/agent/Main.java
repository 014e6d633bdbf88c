package hangup.agent;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.function.Function.identity;
import static java.util.stream.Collectors.toMap;

import hangup.agent.Protocol.ClientInfo;
import hangup.agent.Protocol.Hello;
import hangup.clients.Clients;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;

/** The process: standard input and output belong to the protocol, and the process ends when its input does. */
final class Main {
    private static final int PROTOCOL = 2;

    private Main() {}

    public static void main(String[] args) {
        OutputStream out = new FileOutputStream(FileDescriptor.out);
        Uncaught uncaught = new Uncaught(Thread.currentThread());
        System.setOut(System.err); // what a library prints must not reach the protocol

        Map<String, Client> clients = Clients.ALL.stream().collect(toMap(Client::id, identity()));
        Agent agent = new Agent(clients, out, uncaught);
        try {
            load(Clients.ALL);
            agent.write(hello(Clients.ALL));
            agent.serve(new BufferedReader(new InputStreamReader(System.in, UTF_8)));
            Runtime.getRuntime().halt(0); // at once: threads of clients may block for as long as they like
        } catch (Exception e) {
            e.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    /** A session of each client begins and ends: the first trial need not wait until its classes are loaded. */
    private static void load(List<Client> clients) throws Exception {
        for (Client client : clients) {
            client.begin().get().close();
        }
    }

    private static Hello hello(List<Client> clients) {
        String runtime = System.getProperty("java.runtime.name").replace(" Runtime Environment", "");
        return new Hello("hello", PROTOCOL, "java", runtime + " " + System.getProperty("java.version"),
                clients.stream().collect(toMap(Client::id, Main::info)));
    }

    private static ClientInfo info(Client client) {
        return new ClientInfo(client.layer(), client.ops(), client.features(), Map.of());
    }
}
