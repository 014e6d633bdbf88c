package hangup.agent;

/**
 * One user of a client. Ops come one at a time, except {@code close}, which may come from another thread while an op
 * still blocks. What a method throws is what the API threw.
 */
public abstract sealed class Session permits HttpSession, StreamSession {

    /** Called for the ops of the session's layer, and never for {@link Op.Close}. */
    abstract void perform(Op op, Report report) throws Exception;

    /** Frees all that the API lets its user free. Nothing need have been opened before. */
    protected abstract void close() throws Exception;
}
