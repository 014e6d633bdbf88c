package hangup.agent;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * What an application learns while an op runs, noted down as it learns it: what stands here when a call throws is what
 * the application had until then. The exception itself is simply thrown.
 */
public final class Report {
    private Phase phase;
    private Integer status;
    private final MessageDigest hash = sha256Algorithm();
    private Integer received;
    private Boolean eof;

    public void phase(Phase call) {
        phase = call;
    }

    public void status(int code) {
        status = code;
    }

    /** From here on the reply says how many bytes came: none so far. */
    void receives() {
        received = 0;
    }

    /** Bytes that the application has now, in the order in which it gets them. */
    public void received(byte[] bytes) {
        received(bytes, bytes.length);
    }

    /** The same of the first {@code count} bytes of a buffer. */
    void received(byte[] buffer, int count) {
        hash.update(buffer, 0, count);
        received += count;
    }

    public void eof(boolean told) {
        eof = told;
    }

    Phase phase() {
        return phase;
    }

    Integer status() {
        return status;
    }

    Integer received() {
        return received;
    }

    /** The hash of the bytes received, or null where there are none. It is asked for once. */
    String sha256() {
        return received == null || received == 0 ? null : HexFormat.of().formatHex(hash.digest());
    }

    Boolean eof() {
        return eof;
    }

    private static MessageDigest sha256Algorithm() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java platform has it
        }
    }
}
