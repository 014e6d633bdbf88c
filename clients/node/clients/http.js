/**
 * node/http: http.request with the global agent and its default settings, the body read by 'data'
 * events; with TLS, https.request with the option `ca`.
 *
 * The first of these says what has become of an exchange: 'end' of the response (success), 'error' of the
 * response ("aborted"), 'error' of the request. A reset within the body brings both errors, the request's first.
 *
 * The response goes on after an error of the request. A parser that stops at a byte behind the body, or within
 * it, has pushed what stands before into the response; if the head came in the same segment, nobody reads the
 * response yet, and its 'data' comes in a later tick than the error (socketOnData and parserOnBody of lib/).
 *
 * A global agent is the whole process's, but keeps its connections by host and port. So sessions on
 * different ports share nothing, and a session is ended by destroying its own socket, not the agent.
 */

import http from 'node:http';
import https from 'node:https';
import { privateCa } from '../ca.js';
import { monitored } from '../errors.js';
import { Told } from '../told.js';

export default class Http {
  static layer = 'http';
  static features = ['tls'];
  static versions = { llhttp: process.versions.llhttp, openssl: process.versions.openssl };

  #request;

  exchange({ host, port, tls, method, path, body }) {
    return new Promise((resolve) => {
      const told = new Told(resolve);
      const options = { host, port, method, path };
      const request = tls ? https.request({ ...options, ca: privateCa() }) : http.request(options);
      this.#request = monitored(request);
      request.on('response', (response) => {
        told.status = response.statusCode;
        response.on('data', (chunk) => told.got(chunk));
        response.on('end', () => told.whole());
        // Not monitored: without a listener Node would not emit its error at all, and print nothing.
        told.follow('response', response);
      });
      told.follow('request', request);
      request.end(body, 'latin1');
    });
  }

  close() {
    this.#request?.destroy();
    this.#request?.socket?.destroy(); // kept alive by the agent
    return {};
  }
}
