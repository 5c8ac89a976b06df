import de.bwaldvogel.mongo.bson.BinData;
import de.bwaldvogel.mongo.bson.Document;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.spec.KeySpec;
import java.util.Base64;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;

/** The server's side of one SCRAM-SHA-1 conversation (RFC 5802), with MongoDB's way to digest the password. */
final class Login {
    private static final int ITERATIONS = 4096;
    private static final int KEY_BITS = 160;
    private static final String HEADER = "n,,";

    private final String user;
    private final String password;
    private final byte[] salt = random(16);
    private String clientFirst = "";
    private String serverFirst = "";
    private boolean done;

    Login(String user, String password) {
        this.user = user;
        this.password = password;
    }

    boolean isDone() {
        return done;
    }

    /** Answers {@code saslStart} or {@code saslContinue}; null where the client is refused. */
    Document step(Document command) throws GeneralSecurityException {
        String said = new String(((BinData) command.get("payload")).getData(), StandardCharsets.UTF_8);
        if (command.containsKey("saslStart")) {
            return "SCRAM-SHA-1".equals(command.get("mechanism")) ? first(said) : null;
        }
        return done && said.isEmpty() ? answer("") : last(said);
    }

    private Document first(String said) {
        done = false;
        clientFirst = said.substring(HEADER.length());
        String nonce = attribute(clientFirst, "r=") + base64(random(18));
        serverFirst = "r=" + nonce + ",s=" + base64(salt) + ",i=" + ITERATIONS;
        return answer(serverFirst);
    }

    private Document last(String said) throws GeneralSecurityException {
        int proofAt = said.lastIndexOf(",p=");
        if (proofAt < 0 || serverFirst.isEmpty()) {
            return null;
        }
        byte[] salted = salted();
        byte[] clientKey = hmac(salted, "Client Key");
        String dialogue = clientFirst + "," + serverFirst + "," + said.substring(0, proofAt);
        byte[] signature = hmac(MessageDigest.getInstance("SHA-1").digest(clientKey), dialogue);
        byte[] wanted = new byte[clientKey.length];
        for (int i = 0; i < wanted.length; i++) {
            wanted[i] = (byte) (clientKey[i] ^ signature[i]);
        }
        byte[] proof = Base64.getDecoder().decode(said.substring(proofAt + 3));
        if (!user.equals(attribute(clientFirst, "n=")) || !MessageDigest.isEqual(wanted, proof)) {
            return null;
        }
        done = true;
        return answer("v=" + base64(hmac(hmac(salted, "Server Key"), dialogue)));
    }

    private byte[] salted() throws GeneralSecurityException {
        byte[] plain = (user + ":mongo:" + password).getBytes(StandardCharsets.UTF_8);
        String digest = HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(plain));
        KeySpec key = new PBEKeySpec(digest.toCharArray(), salt, ITERATIONS, KEY_BITS);
        return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA1").generateSecret(key).getEncoded();
    }

    private Document answer(String payload) {
        return new Document("conversationId", 1)
                .append("done", done)
                .append("payload", new BinData(payload.getBytes(StandardCharsets.UTF_8)))
                .append("ok", 1.0);
    }

    private static String attribute(String message, String name) {
        for (String part : message.split(",")) {
            if (part.startsWith(name)) {
                return part.substring(name.length()).replace("=2C", ",").replace("=3D", "=");
            }
        }
        return "";
    }

    private static byte[] hmac(byte[] key, String message) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA1");
        mac.init(new SecretKeySpec(key, "HmacSHA1"));
        return mac.doFinal(message.getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] random(int size) {
        byte[] bytes = new byte[size];
        new SecureRandom().nextBytes(bytes);
        return bytes;
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }
}
