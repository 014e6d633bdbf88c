/**
 * node/fetch: the built-in fetch with its default settings, the body read by arrayBuffer(): all or
 * nothing. With TLS it is told of the private CA by the environment variable NODE_EXTRA_CA_CERTS, which
 * Node reads when it starts (client.toml): fetch has no option for it.
 *
 * Its pool is the whole process's and out of its users' reach, but keeps connections by origin. So
 * sessions on different ports share nothing; an idle connection stays until the pool's own timeout or
 * the peer's end.
 */

export default class Fetch {
  static layer = 'http';
  static features = ['tls'];
  static versions = { undici: process.versions.undici, openssl: process.versions.openssl };

  #abort = new AbortController();

  async exchange({ host, port, tls, method, path, body }) {
    const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const given = { chunks: [] };
    try {
      const response = await fetch(`${tls ? 'https' : 'http'}://${authority}${path}`, {
        method,
        body: method === 'POST' ? Buffer.from(body, 'latin1') : undefined,
        signal: this.#abort.signal,
      });
      given.status = response.status;
      given.chunks.push(Buffer.from(await response.arrayBuffer()));
    } catch (error) {
      given.error = error;
    }
    return given;
  }

  /** Frees a request that is still waiting; there is nothing else to close. */
  close() {
    this.#abort.abort();
    return {};
  }
}
