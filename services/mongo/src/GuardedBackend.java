import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import io.netty.channel.Channel;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.h2.mvstore.MVStore;

/** Documents in a file of H2, behind a log-in: without it nothing but the handshake is answered. */
final class GuardedBackend extends H2Backend {
    private static final Set<String> OPEN_TO_ALL =
            Set.of("hello", "isMaster", "ismaster", "ping", "buildInfo", "buildinfo", "endSessions");
    private static final int UNAUTHORIZED = 13;
    private static final int FAILED_TO_LOG_IN = 18;

    private final String user;
    private final String password;
    private final Map<Channel, Login> logins = new ConcurrentHashMap<>();

    GuardedBackend(String file, String user, String password) {
        super(new MVStore.Builder().fileName(file).cacheSize(cacheMegabytes()).open());
        version(new SpokenVersion());
        this.user = user;
        this.password = password;
    }

    @Override
    public Document handleCommand(Channel channel, String database, String command, Document query) {
        if (command.equals("saslStart") || command.equals("saslContinue")) {
            return logIn(channel, query);
        }
        if (OPEN_TO_ALL.contains(command) || isKnown(channel)) {
            return super.handleCommand(channel, database, command, query);
        }
        return refusal(UNAUTHORIZED, "Unauthorized", "command " + command + " requires authentication");
    }

    @Override
    public void handleClose(Channel channel) {
        logins.remove(channel);
        super.handleClose(channel);
    }

    /** Half of the memory, as MongoDB's own cache: H2 would keep 16 MB and read all other documents anew for each question. */
    private static int cacheMegabytes() {
        return (int) (Runtime.getRuntime().maxMemory() >> 21);
    }

    private boolean isKnown(Channel channel) {
        Login login = logins.get(channel);
        return login != null && login.isDone();
    }

    private Document logIn(Channel channel, Document command) {
        Document answer = null;
        try {
            answer = logins.computeIfAbsent(channel, one -> new Login(user, password)).step(command);
        } catch (Exception error) {
            System.err.println("a client could not be understood while it logged in: " + error);
        }
        return answer != null ? answer : refusal(FAILED_TO_LOG_IN, "AuthenticationFailed", "Authentication failed.");
    }

    private static Document refusal(int code, String name, String sentence) {
        return new Document("ok", 0.0).append("errmsg", sentence).append("code", code).append("codeName", name);
    }
}
