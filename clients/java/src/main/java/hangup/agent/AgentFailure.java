package hangup.agent;

/** The agent could not run an op, which says nothing of the client. */
final class AgentFailure extends RuntimeException {
    private static final long serialVersionUID = 1;

    AgentFailure(String why) {
        super(why);
    }

    @Override
    public String toString() {
        return getMessage();
    }
}
