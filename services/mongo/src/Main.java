import de.bwaldvogel.mongo.MongoServer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A MongoDB-protocol server on the loopback address, for tests.
 *
 * <p>Arguments: the file of the data; the port (0: a free one); a file with the user in its first line and the password in its second, so
 * that no process list shows them. Prints one line, {@code ready <host>:<port>}, as soon as it listens.
 */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        List<String> account = Files.readAllLines(Path.of(arguments[2]), StandardCharsets.UTF_8);
        MongoServer server = new MongoServer(new GuardedBackend(arguments[0], account.get(0), account.get(1)));
        server.bind("127.0.0.1", Integer.parseInt(arguments[1]));
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        System.out.println("ready 127.0.0.1:" + server.getLocalAddress().getPort());
    }
}
