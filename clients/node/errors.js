/**
 * Errors as a user of Node sees them: the chain of objects, and the text of an error that nobody handles.
 *
 * It knows errors and emitters, and nothing of the protocol's ops or of any client.
 */

import { EventEmitter, errorMonitor } from 'node:events';
import { inspect } from 'node:util';

const AGENT = [new URL('./agent.js', import.meta.url).href, import.meta.url];
const PHASES = { connect: 'connect', read: 'recv', write: 'send', shutdown: 'shutdown' };

const emissions = new WeakMap();

/** The error and all that it was caused by or gathers (`AggregateError`), each object once. */
function family(error, found = new Set()) {
  if (error === undefined || error === null || found.has(error)) return found;
  found.add(error);
  family(error.cause, found);
  if (Array.isArray(error.errors)) for (const member of error.errors) family(member, found);
  return found;
}

/** One link. libuv negates errno; `code` is a number in a DOMException, and no symbol then. */
function link(error) {
  const { name, message, errno, code } = error;
  return {
    type: name ?? typeof error,
    message: message ?? String(error),
    ...(typeof errno === 'number' ? { errno: Math.abs(errno) } : {}),
    ...(typeof code === 'string' ? { code } : {}),
  };
}

/** From what the application catches down to its cause. */
export function chain(error) {
  return [...family(error)].map(link);
}

/**
 * The system call that failed, which Node names in the error: not always that of the op which reports
 * it.
 */
export function failedCall(error) {
  for (const { syscall } of family(error)) {
    if (syscall in PHASES) return PHASES[syscall];
  }
  return undefined;
}

/**
 * Notes where `emitter` emits its errors, since Node prints that too of an 'error' event without a
 * listener. A monitor hears of an error without handling it, so it changes nothing for the client.
 */
export function monitored(emitter) {
  emitter.on(errorMonitor, (error) => emissions.set(error, emittedStack(emitter, error)));
  return emitter;
}

/**
 * The stack with its paragraph "Emitted 'error' event on … instance at:", made by Node itself: an emitter
 * without listeners throws the error, and attaches to it the function that completes its stack for a crash.
 */
function emittedStack(emitter, error) {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = limit + 3; // the three frames that are cut below
  try {
    EventEmitter.prototype.emit.call({ constructor: emitter.constructor }, 'error', error);
  } catch {
    // It is the error itself.
  }
  Error.stackTraceLimit = limit;
  const completed = Object.getOwnPropertySymbols(error).find(
    ({ description }) => description === 'kEnhanceStackBeforeInspector',
  );
  if (completed === undefined) return error.stack;
  const lines = error[completed]().split('\n');
  const frames = lines.findIndex((line) => line.startsWith("Emitted 'error' event")) + 1;
  const ours = (line) => line.includes(import.meta.url) || line.includes('.emit (node:events:');
  while (ours(lines[frames])) lines.splice(frames, 1);
  return lines.join('\n');
}

/** Cuts each trace where the agent's plumbing begins: below it there is nothing of the client. */
function withoutPlumbing(stack) {
  let cutting = false;
  return stack
    .split('\n')
    .filter((line) => {
      const frame = /^\s+at /.test(line);
      cutting = frame && (cutting || AGENT.some((file) => line.includes(file)));
      return !cutting;
    })
    .join('\n');
}

/**
 * What Node prints for the error when nobody handles it. A crash shows an excerpt of the source that
 * threw, then this text, then Node's version. The excerpt (for any 'error' event the same one of
 * node:events: "throw er; // Unhandled 'error' event") and the version are left out, as they say
 * nothing of the error. Where an error was emitted stands with the one that the application has got, and not
 * with its causes, which may have been emitted since.
 */
export function printed(error) {
  for (const member of family(error)) {
    if (typeof member?.stack !== 'string') continue;
    const emitted = member === error ? emissions.get(error) : undefined;
    member.stack = withoutPlumbing(emitted ?? member.stack);
  }
  return inspect(error, { customInspect: false });
}
