/**
 * node/http2: a session of http2.connect, kept for all requests, and its request() with default settings,
 * the body read by 'data' events.
 *
 * 'end' of the stream is a success, as in the documentation's example. It also comes when the connection or
 * the stream ends in the middle of a body, or before a response, and no error code is sent (FIN; RST_STREAM
 * with NO_ERROR or CANCEL): Node takes that for a cancellation, and only `rstCode` or the length tells.
 * Otherwise 'error' of the stream says what has become of an exchange, or 'close' where nothing else has come.
 *
 * A session that fails tells its streams first, and by an 'error' event of its own where there are none: that
 * error is the answer of the next exchange. There is no pool: a session that has ended stays so until its user
 * connects again, and request() says so.
 */

import http2 from 'node:http2';
import { privateCa } from '../ca.js';
import { monitored } from '../errors.js';
import { Told } from '../told.js';

export default class Http2 {
  static layer = 'http';
  static features = ['tls', 'h2'];
  static requires = ['h2']; // it speaks nothing older
  static versions = { nghttp2: process.versions.nghttp2, openssl: process.versions.openssl };

  #session;
  #untold; // the error that the session's 'error' event brought and no exchange has reported
  #told; // the last error reported

  exchange({ host, port, tls, method, path, body }) {
    return new Promise((resolve) => {
      const tell = (error) => {
        this.#told = error;
        this.#untold = undefined;
      };
      const fail = (error) => {
        tell(error);
        resolve({ chunks: [], error });
      };
      if (this.#untold) return fail(this.#untold);
      this.#session ??= this.#connect(host, port, tls);
      let stream;
      try {
        stream = monitored(this.#session.request({ ':method': method, ':path': path }));
      } catch (error) {
        return fail(error);
      }
      const told = new Told(resolve);
      stream.on('response', (headers) => {
        told.status = headers[':status'];
      });
      stream.on('data', (chunk) => told.got(chunk));
      stream.on('error', tell);
      stream.on('end', () => told.whole());
      told.follow('stream', stream);
      if (method === 'POST') stream.end(body, 'latin1'); // the stream of a GET is ended by request()
    });
  }

  close() {
    this.#session?.destroy();
    return {};
  }

  #connect(host, port, tls) {
    const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const session = tls
      ? http2.connect(`https://${authority}`, { ca: privateCa() })
      : http2.connect(`http://${authority}`);
    session.on('error', (error) => {
      // A stream whose session has not come about is told of an error that has this one as its cause.
      if (error !== this.#told && error !== this.#told?.cause) this.#untold = error;
    });
    return monitored(session);
  }
}
