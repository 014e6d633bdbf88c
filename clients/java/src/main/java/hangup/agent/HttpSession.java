package hangup.agent;

/** A session of an HTTP client: what a client file fills in. */
public abstract non-sealed class HttpSession extends Session {

    /** Performs the request and reads the whole response, the way the API's documentation tells its users to. */
    protected abstract void exchange(Op.Exchange op, Report report) throws Exception;

    @Override
    void perform(Op op, Report report) throws Exception {
        report.receives();
        report.phase(Phase.EXCHANGE);
        exchange((Op.Exchange) op, report);
    }
}
