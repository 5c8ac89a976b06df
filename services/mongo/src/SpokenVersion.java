import de.bwaldvogel.mongo.MongoVersion;
import java.util.List;

/** What the server says of itself: clients of today refuse to speak with a MongoDB older than 4.4, which has the wire version 9. */
final class SpokenVersion implements MongoVersion {
    @Override
    public List<Integer> getVersionArray() {
        return List.of(4, 4, 0);
    }

    @Override
    public int getWireVersion() {
        return 9;
    }
}
