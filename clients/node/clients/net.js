/**
 * node/net: a socket of net.connect with its default settings (allowHalfOpen is false), read by 'data'
 * events from the start; with TLS a socket of tls.connect, which is a net.Socket too, and which is
 * connected when 'secureConnect' says so.
 *
 * The application is told by callbacks and by events, in their order. An error that an event brings
 * between two ops is the answer of the next one, which then makes no call (a recv first gives what came
 * before the error); an error that callback and event both bring is reported once. A socket that has
 * emitted 'close' emits nothing more: a recv on it reports the end of the stream if 'end' was emitted,
 * and otherwise no bytes, no end and no error, since that is all that the API tells.
 *
 * A reset that the event loop finds together with unread data is told as the end of the stream: after a
 * short read, with POLLHUP set, libuv (uv__stream_io) reports the end and never asks for the error. TLS 1.3
 * makes that likely early on, by session tickets that nobody has read yet.
 *
 * setKeepAlive(true) is called on a connected socket, and leaves the timing the system's there: libuv sets
 * SO_KEEPALIVE, then TCP_KEEPIDLE to a delay of 0, which Linux refuses (from 1.49 on libuv itself does), sets
 * nothing more, and Node does not tell. Called earlier it would mean 60 s: libuv then knows no delay but its own.
 */

import net from 'node:net';
import tls from 'node:tls';
import { privateCa } from '../ca.js';
import { monitored } from '../errors.js';

export default class Net {
  static layer = 'stream';
  static features = ['tls', 'keepalive'];
  static versions = { libuv: process.versions.uv, openssl: process.versions.openssl };

  #socket;
  #opened = false;
  #arrived = []; // what 'data' events brought and no op has taken
  #length = 0; // bytes of it
  #untold; // the error that an 'error' event brought and no op has reported
  #told; // the last error reported
  #wake = () => {};

  async connect({ host, port, tls: secure, keepalive }) {
    if (this.#opened) throw new Error('this session is connected');
    const socket = secure ? tls.connect({ host, port, ca: privateCa() }) : net.connect(port, host);
    this.#follow(socket, secure ? 'secureConnect' : 'connect');
    await this.#until(() => this.#opened);
    if (keepalive && this.#opened) socket.setKeepAlive(true);
    return { error: this.#take() };
  }

  async send({ data }) {
    const socket = this.#connected();
    const call = this.#begin();
    if (!call.error) socket.write(data, 'latin1', call.callback);
    await this.#until(() => call.done || call.error);
    return { error: this.#take(call.error) };
  }

  async recv({ bytes = Infinity }) {
    const socket = this.#connected();
    await this.#until(() => this.#length >= bytes || socket.readableEnded);
    return this.#read(bytes);
  }

  async shutdown() {
    const socket = this.#connected();
    const call = this.#begin();
    if (!call.error) socket.end(call.callback);
    await this.#until(() => call.done || call.error);
    return { error: this.#take(call.error) };
  }

  /**
   * Listens while it writes, as applications do: an end that comes meanwhile answers, an earlier one
   * does not.
   */
  async exchange({ host, port, tls: secure, request, announced }) {
    const { error } = this.#opened ? {} : await this.connect({ host, port, tls: secure });
    if (error) return { phase: 'connect', chunks: [], eof: false, error };

    const socket = this.#socket;
    const endedBefore = socket.readableEnded;
    const call = this.#begin();
    if (!call.error) socket.write(request, 'latin1', call.callback);
    const answered = () => this.#length >= announced || socket.readableEnded;
    const ended = () => socket.readableEnded && !endedBefore;
    await this.#until(() => call.error || ended() || (call.done && answered()));
    return { phase: call.error ? 'send' : 'recv', ...this.#read(announced, call.error) };
  }

  /** By destroy(), because end() would keep the socket until the peer ends its side too. */
  close() {
    this.#socket?.destroy();
    return { error: this.#take() };
  }

  #connected() {
    if (!this.#socket) throw new Error('this session has no connection');
    return this.#socket;
  }

  #follow(socket, connected) {
    this.#socket = monitored(socket);
    socket.on(connected, () => {
      this.#opened = true;
      this.#wake();
    });
    socket.on('data', (chunk) => {
      this.#arrived.push(chunk);
      this.#length += chunk.length;
      this.#wake();
    });
    socket.on('error', (error) => {
      if (error !== this.#told) this.#untold = error;
      this.#wake();
    });
    for (const event of ['end', 'close']) socket.on(event, () => this.#wake());
  }

  /** Resolves when events have made it so, or when an error or 'close' has left nothing to wait for. */
  #until(so) {
    return new Promise((resolve) => {
      this.#wake = () => {
        if (so() || this.#untold || this.#socket.closed) resolve();
      };
      this.#wake();
    });
  }

  /**
   * The state of a call that ends with a callback. It has failed already if an event has brought an
   * error.
   */
  #begin() {
    const call = { done: false, error: this.#untold };
    call.callback = (error) => {
      call.done = true;
      call.error = error ?? undefined;
      this.#wake();
    };
    return call;
  }

  #read(bytes, failure) {
    const arrived = Buffer.concat(this.#arrived);
    const chunks = [arrived.subarray(0, bytes)];
    this.#arrived = [arrived.subarray(bytes)];
    this.#length = this.#arrived[0].length;
    if (chunks[0].length === bytes && !failure) return { chunks, eof: false };
    return { chunks, eof: this.#socket.readableEnded && !failure, error: this.#take(failure) };
  }

  #take(error = this.#untold) {
    if (error === this.#untold) this.#untold = undefined;
    this.#told = error;
    return error;
  }
}
