package hangup.agent;

/**
 * What an application learns while an op runs, noted down as it learns it: what stands here when a call throws is what
 * the application had until then. The exception itself is simply thrown.
 */
public final class Report {
    private Phase phase;
    private Integer status;
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

    public void received(int bytes) {
        received += bytes;
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

    Boolean eof() {
        return eof;
    }
}
