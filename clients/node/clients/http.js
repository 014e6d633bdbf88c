/**
 * node/http: http.request with the global agent and its default settings, the body read by 'data'
 * events; with TLS, https.request with the option `ca`.
 *
 * The first of these ends an exchange: 'end' of the response (success), 'error' of the response
 * ("aborted"), 'error' of the request. A reset within the body brings both errors, the request's first:
 * the second is not its cause, and an application that has failed by the first has no use for it.
 *
 * A global agent is the whole process's, but keeps its connections by host and port. So sessions on
 * different ports share nothing, and a session is ended by destroying its own socket, not the agent.
 */

import http from 'node:http';
import https from 'node:https';
import { privateCa } from '../ca.js';
import { monitored } from '../errors.js';

export default class Http {
  static layer = 'http';
  static features = ['tls'];
  static versions = { llhttp: process.versions.llhttp, openssl: process.versions.openssl };

  #request;

  exchange({ host, port, tls, method, path, body }) {
    return new Promise((resolve) => {
      const given = { received: 0 };
      const options = { host, port, method, path };
      const request = tls ? https.request({ ...options, ca: privateCa() }) : http.request(options);
      this.#request = monitored(request);
      request.on('response', (response) => {
        given.status = response.statusCode;
        response.on('data', (chunk) => {
          given.received += chunk.length;
        });
        response.on('end', () => resolve(given));
        // Not monitored: without a listener Node would not emit this error at all, and print nothing.
        response.on('error', (error) => resolve({ ...given, error }));
      });
      request.on('error', (error) => resolve({ ...given, error }));
      request.end(body, 'latin1');
    });
  }

  close() {
    this.#request?.destroy();
    this.#request?.socket?.destroy(); // kept alive by the agent
    return {};
  }
}
