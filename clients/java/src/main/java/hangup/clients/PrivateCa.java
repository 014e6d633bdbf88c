package hangup.clients;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * The one CA that clients are told to trust, in the way of the JSSE Reference Guide: a key store that holds it, a
 * {@link TrustManagerFactory} over that, and a context initialised with the trust managers. Nothing else of TLS is set.
 *
 * <p>The trust managers are the process's and made when they are first asked for. A context is the session's: it
 * remembers TLS sessions by host and port, so one for all could resume what another session has begun.
 */
final class PrivateCa {
    private static TrustManager[] trusted;

    private PrivateCa() {}

    /** What is wrong here is wrong with the agent, and never an exception of a client's. */
    static SSLContext context() {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trustManagers(), null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException("HANGUP_CA=" + System.getenv("HANGUP_CA") + ": " + e, e);
        }
    }

    private static synchronized TrustManager[] trustManagers() throws GeneralSecurityException, IOException {
        if (trusted == null) {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            try (InputStream pem = new FileInputStream(String.valueOf(System.getenv("HANGUP_CA")))) {
                store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(pem));
            }
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init(store);
            trusted = factory.getTrustManagers();
        }
        return trusted;
    }
}
