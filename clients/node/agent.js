/**
 * The agent: takes requests from standard input to clients, and their observations to standard output.
 *
 * It knows the protocol and nothing of any API. A client is a file in clients/, and its id is the
 * file's name. The default export is a class with the `layer`, `features`, `requires` and `versions` of
 * the hello, an object of it is a session, and its public methods are the ops. A method returns what the
 * API gave (`phase`, `status`, `eof`, `chunks`: the bytes, in pieces as they came, `error`: the very object that
 * the application got, and `events`: errors told by events beside it, each with the event's `name`); what it
 * throws is a fault of the agent.
 */

import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { inspect } from 'node:util';
import { chain, failedCall, printed } from './errors.js';

const CLIENTS = new URL('./clients/', import.meta.url);

const clients = new Map();
const sessions = new Map();

/** Writes one line, in ASCII and at once: on a pipe the write is synchronous. */
function say(message) {
  const line = JSON.stringify(message).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  process.stdout.write(`${line}\n`);
}

function complain(fault) {
  process.stderr.write(`hangup agent: ${inspect(fault)}\n`);
}

async function load() {
  for (const file of await readdir(CLIENTS)) {
    const { default: Client } = await import(new URL(file, CLIENTS));
    const ops = Object.getOwnPropertyNames(Client.prototype).filter((name) => name !== 'constructor');
    clients.set(`node/${basename(file, '.js')}`, { Client, ops });
  }
}

function hello() {
  const info = ({ Client, ops }) => {
    const { layer, features, requires, versions } = Client;
    return { layer, ops, features, requires, versions };
  };
  return {
    type: 'hello',
    protocol: 2,
    language: 'node',
    runtime: `Node.js ${process.version}`,
    clients: Object.fromEntries([...clients].map(([id, client]) => [id, info(client)])),
  };
}

/** The session's client, made by its first op and forgotten by `close`. */
function attend({ session, op }, Client) {
  const client = sessions.get(session) ?? new Client();
  if (op === 'close') sessions.delete(session);
  else sessions.set(session, client);
  return client;
}

function offers({ Client, ops }, request) {
  const wanted = ['tls', 'keepalive'].filter((name) => request[name]);
  return ops.includes(request.op) && wanted.every((name) => Client.features.includes(name));
}

function observation(op, started, { error, events = [], chunks, phase = op, ...given }) {
  return {
    result: 'observed',
    // A TLS handshake reads and writes, and is a part of connecting.
    phase: phase === 'connect' ? phase : (failedCall(error) ?? phase),
    ...given,
    ...(chunks === undefined ? {} : receipt(chunks)),
    ms: Math.round(performance.now() - started),
    ...(error === undefined ? {} : { error: chain(error), printed: printed(error) }),
    ...(events.length === 0 ? {} : { events: events.map(({ name, error }) => ({ name, error: chain(error) })) }),
  };
}

/** How many bytes the application has got, and their hash. */
function receipt(chunks) {
  const received = chunks.reduce((sum, { length }) => sum + length, 0);
  if (received === 0) return { received };
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return { received, sha256: hash.digest('hex') };
}

function answer(request) {
  const reply = (fields) => say({ type: 'reply', id: request.id, ...fields });
  const fail = (fault) => reply({ result: 'failed', why: String(fault?.stack ?? fault) });

  if (request.op === 'ping') return reply({ result: 'observed' });
  const hosted = clients.get(request.client);
  if (!hosted) return fail(`no client ${request.client} here`);
  if (!offers(hosted, request)) return reply({ result: 'unsupported' });

  const started = performance.now();
  // `then`, because an `await` here would add the agent's frames to the stack of the client's errors.
  new Promise((resolve) => resolve(attend(request, hosted.Client)[request.op](request)))
    .then((given) => reply(observation(request.op, started, given)))
    .catch(fail);
}

/**
 * Splits at newlines only: readline would also split at U+2028 and U+2029, which JSON allows in a
 * string.
 */
function readLines(input, onLine) {
  let rest = '';
  input.setEncoding('utf8');
  input.on('data', (text) => {
    const lines = text.split('\n');
    lines[0] = rest + lines[0];
    rest = lines.pop();
    lines.forEach(onLine);
  });
}

/** The request with what is to follow its bytes written out. */
function filled({ fill = 0, ...request }) {
  if (fill > 0) {
    for (const name of ['body', 'request', 'data']) {
      if (name in request) request[name] += 'x'.repeat(fill);
    }
  }
  return request;
}

function understand(line) {
  try {
    answer(filled(JSON.parse(line)));
  } catch (fault) {
    complain(fault); // without an id there is nothing to reply to
  }
}

// Standard output carries protocol lines only, whatever a library prints.
globalThis.console = new console.Console(process.stderr);
process.on('uncaughtException', complain);
process.stdin.on('end', () => process.exit(0));
process.stdout.on('error', () => process.exit(0)); // the harness has gone

await load();
say(hello());
readLines(process.stdin, understand);
