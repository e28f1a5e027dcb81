import { connect, type Socket } from 'node:net';
import { connectionBytes, connectMsMax, idleMsMax } from './limits.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Head {
  readonly status: number;
  /** Of the body, in bytes. */
  readonly length: number;
}

/** A kept connection was closed before it answered: the peer had given it up already. */
export class StaleConnection extends Error {
  override readonly name = 'StaleConnection';
}

const headEnd = '\r\n\r\n';
const statusLine = /^HTTP\/1\.1 (\d{3}) /;
const lengthLine = /\r\ncontent-length: *(\d{1,15})\r\n/i;
const closeLine = /\r\nconnection: *close\r\n/i;

/**
 * A connection to another agent: HTTP/1.1, one GET after the other, answers with a content-length only
 * (RFC 9112 §6.3). The socket reads into two buffers of the connection's own, in turns: one fills while
 * the other is worked on, and nothing is allocated or copied for a body however long it is.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #host: string;
  #buffer = new Uint8Array(connectionBytes);
  /** Made for the first body that one buffer does not hold. */
  #other: Uint8Array<ArrayBuffer> | undefined;
  #from = 0;
  #filled = 0;
  #state: 'idle' | 'head' | 'body' = 'idle';
  #answered = 0;
  #keeps: 'kept' | 'closed' = 'kept';
  /** Bytes of the body that are still to come. */
  #left = 0;
  #ready: Uint8Array | undefined;
  #head: Head | undefined;
  #failure: Error | undefined;
  #wake = () => {};

  private constructor({ host, port }: Address) {
    this.#socket = connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer: () => this.#buffer.subarray(this.#filled),
        callback: (bytes) => this.#arrived(bytes),
      },
    });
    this.#host = `${host}:${port}`;
    this.#socket.on('connect', () => this.#wake());
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  /** @throws what the system says, the signal's reason */
  static async open(address: Address, signal: AbortSignal): Promise<Connection> {
    const connection = new Connection(address);
    const isOpen = () => connection.#failure === undefined && !connection.#socket.connecting;
    await connection.#during(signal, () => connection.#until(isOpen, connectMsMax));
    return connection;
  }

  get isUsable(): boolean {
    return this.#failure === undefined && this.#state === 'idle' && this.#keeps === 'kept';
  }

  /** @throws StaleConnection, what the system says, the signal's reason */
  async get(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Head> {
    const lines = Object.entries({ host: this.#host, ...headers });
    const request = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    this.#state = 'head';
    this.#head = undefined;
    this.#socket.ref();
    return this.#during(signal, async () => {
      this.#socket.write(`GET ${path} HTTP/1.1\r\n${request}\r\n`, 'latin1');
      await this.#until(() => this.#head !== undefined, idleMsMax).catch((error: Error) => {
        const wasKept = this.#answered > 0 && this.#filled === 0 && this.#failure !== undefined;
        throw wasKept ? new StaleConnection(error.message, { cause: error }) : error;
      });
      this.#answered += 1;
      return this.#head!;
    });
  }

  /**
   * The body of the last answer: each piece is good until the next is asked for. Left early, the connection
   * is destroyed. @throws what the system says, the signal's reason
   */
  async *body(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      for (let left = this.#head!.length; left > 0; ) {
        await this.#during(signal, () => this.#until(() => this.#ready !== undefined, idleMsMax));
        const piece = this.#ready!;
        this.#ready = undefined;
        left -= piece.length;
        if (left > 0) this.#socket.resume();
        yield piece;
      }
      this.#state = 'idle';
      this.#socket.resume();
      this.#socket.unref();
    } finally {
      if (this.#state !== 'idle') this.destroy();
    }
  }

  destroy(): void {
    this.#keeps = 'closed';
    this.#socket.destroy();
  }

  /** @returns whether the socket goes on reading */
  #arrived(bytes: number): boolean {
    this.#filled += bytes;
    if (this.#state === 'idle') return this.#refuse('bytes came that nobody had asked for');
    if (this.#state === 'head') this.#readHead();
    else this.#left -= bytes;
    if (this.#state !== 'body') return true;
    if (this.#left < 0) return this.#refuse('more bytes came than were announced');
    const isWhole = this.#left === 0;
    if (!isWhole && this.#filled < this.#buffer.length) return true;
    this.#turn(isWhole ? 'end' : 'more');
    this.#wake();
    return false;
  }

  /** What has come is ready; the rest, or the next answer, goes into a buffer that nobody looks at. */
  #turn(then: 'end' | 'more'): void {
    if (this.#filled > this.#from) this.#ready = this.#buffer.subarray(this.#from, this.#filled);
    if (then === 'more') {
      const next = this.#other ?? new Uint8Array(connectionBytes);
      this.#other = this.#buffer;
      this.#buffer = next;
    }
    this.#from = 0;
    this.#filled = 0;
  }

  #readHead(): void {
    const text = Buffer.from(this.#buffer.buffer, 0, this.#filled);
    const end = text.indexOf(headEnd, 0, 'latin1');
    if (end < 0) {
      if (this.#filled === this.#buffer.length) this.#refuse('its head does not end');
      return;
    }
    const head = text.toString('latin1', 0, end + 2);
    const [status, length] = [statusLine.exec(head)?.[1], lengthLine.exec(head)?.[1]];
    if (status === undefined || length === undefined) {
      this.#refuse('no answer of an agent');
      return;
    }
    if (closeLine.test(head)) this.#keeps = 'closed';
    this.#from = end + headEnd.length;
    this.#left = Number(length) - (this.#filled - this.#from);
    this.#state = 'body';
    this.#head = { status: Number(status), length: Number(length) };
    this.#wake();
  }

  #refuse(message: string): false {
    this.#socket.destroy(new Error(message));
    return false;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }

  /** An abandoned request leaves no connection. */
  async #during<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const abandon = () => this.#socket.destroy(signal.reason);
    signal.addEventListener('abort', abandon, { once: true });
    try {
      return await work();
    } catch (error) {
      this.destroy();
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', abandon);
    }
  }

  /** Waits for what arrives, each time at most so long. */
  async #until(isThere: () => boolean, msMax: number): Promise<void> {
    for (let seen = -1; !isThere(); ) {
      if (this.#failure !== undefined) throw this.#failure;
      const now = this.#socket.bytesRead;
      if (now === seen) throw new Error(`silent for ${msMax} ms`);
      seen = now;
      await this.#sign(msMax);
    }
  }

  #sign(msMax: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, msMax);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
