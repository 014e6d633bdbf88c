package hangup.agent;

/** The call that a session made last, so the one that failed if one did. */
public enum Phase { CONNECT, SEND, RECV, SHUTDOWN, CLOSE, EXCHANGE }
