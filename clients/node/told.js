/**
 * What the events of an API tell of one exchange, until the API has nothing more to tell.
 *
 * A success is answered at once. An error is not, since an application that goes on listening may get more
 * after it: bytes of the body, further errors. The answer comes when all that is followed has emitted 'close'.
 * If a 'close' is missing, it comes when nothing has been told for some turns of the event loop: whatever has
 * failed is destroyed, so what it still has to tell is in this process, and waits for no network and no clock.
 */

const SILENT_TURNS = 1000; // a 'close' takes two or three

export class Told {
  status;
  chunks = []; // of the body, in the order in which they came
  error; // the first that was told
  events = []; // the errors told after it

  #open = new Set();
  #silent = 0; // turns since something was told
  #resolve; // none once the answer is given

  constructor(resolve) {
    this.#resolve = resolve;
  }

  /** Listens for 'error' and 'close' of an emitter, which errors are told of by this name. */
  follow(name, emitter) {
    this.#open.add(emitter);
    emitter.on('error', (error) => this.#failed(`error of the ${name}`, error));
    emitter.on('close', () => {
      this.#open.delete(emitter);
      if (this.#open.size === 0) this.#answer();
    });
  }

  got(chunk) {
    this.#silent = 0;
    this.chunks.push(chunk);
  }

  /** The body is whole. What an error came before remains an error. */
  whole() {
    if (!this.error) this.#answer();
  }

  /** An object that two events bring is one error. */
  #failed(name, error) {
    this.#silent = 0;
    if (!this.error) {
      this.error = error;
      this.#waitForMore();
    } else if (error !== this.error && this.events.every((event) => event.error !== error)) {
      this.events.push({ name, error });
    }
  }

  #waitForMore() {
    if (this.#silent++ === SILENT_TURNS) this.#answer();
    if (this.#resolve) setImmediate(() => this.#waitForMore());
  }

  #answer() {
    const { status, chunks, error, events } = this;
    this.#resolve?.({ status, chunks, error, events });
    this.#resolve = undefined;
  }
}
