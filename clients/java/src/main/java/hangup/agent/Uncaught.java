package hangup.agent;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/**
 * An exception as its user sees it: the chain of causes, and what the JVM prints when nobody catches it. That text is
 * the JVM's own: the exception is handed to its last resort, {@link ThreadGroup#uncaughtException}, in the name of the
 * main thread, and what this writes to {@link System#err} is kept instead of shown.
 */
final class Uncaught {
    private static final String AGENT = "hangup.";
    private static final String CLIENTS = "hangup.clients.";

    private final ThreadLocal<OutputStream> kept = new ThreadLocal<>();
    private final Thread main;

    /** Puts itself under {@link System#err}. */
    Uncaught(Thread main) {
        this.main = main;
        OutputStream shown = new FileOutputStream(FileDescriptor.err);
        System.setErr(new PrintStream(new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                OutputStream mine = kept.get();
                (mine == null ? shown : mine).write(bytes, offset, length);
            }
        }, true, UTF_8));
    }

    /** Did the agent's own code throw it, by intent or by mistake, and not an API? */
    static boolean isOurs(Exception error) {
        StackTraceElement[] frames = error.getStackTrace();
        return frames.length > 0 && frames[0].getClassName().startsWith(AGENT);
    }

    /** The exceptions from the one that the application catches down to the root cause, each once. */
    static List<Throwable> chain(Throwable error) {
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        List<Throwable> chain = new ArrayList<>();
        for (Throwable link = error; link != null && seen.add(link); link = link.getCause()) {
            chain.add(link);
        }
        return chain;
    }

    /** What the JVM prints, as if the client's method had been called by nobody: the agent's own frames are cut off. */
    String print(Throwable error) {
        cut(error, Collections.newSetFromMap(new IdentityHashMap<>()));
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        kept.set(text);
        try {
            main.getThreadGroup().uncaughtException(main, error);
        } finally {
            kept.remove();
        }
        return text.toString(UTF_8);
    }

    /**
     * Cut in every trace that is printed, so that the JVM counts the "... n more" of a cause as it would without the
     * agent. A trace of another thread, where no client's method stands, stays whole.
     */
    private static void cut(Throwable error, Set<Throwable> done) {
        if (error == null || !done.add(error)) {
            return;
        }
        StackTraceElement[] frames = error.getStackTrace();
        for (int last = frames.length - 1; last >= 0; last--) {
            if (frames[last].getClassName().startsWith(CLIENTS)) {
                error.setStackTrace(Arrays.copyOf(frames, last + 1));
                break;
            }
        }
        for (Throwable suppressed : error.getSuppressed()) {
            cut(suppressed, done);
        }
        cut(error.getCause(), done);
    }
}
