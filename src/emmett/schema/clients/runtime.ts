// The connection. This code is the same in all generated clients.

/** The state of a connection: "waiting" is the pause before the next attempt, "closed" is final. */
export type ConnectionState = "connecting" | "open" | "waiting" | "closed";

/** The server answered a call with an error. */
export class CallFailed extends Error {
  override readonly name = "CallFailed";
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }

  /** The milliseconds after which a call that exceeded a limit may be repeated; undefined for other errors. */
  get retryAfter(): number | undefined {
    const seconds = (this.data as { retry_after?: unknown } | null | undefined)?.retry_after;
    return typeof seconds === "number" ? 1000 * seconds : undefined;
  }
}

/** The connection ended before a call was answered. The server may or may not have run the call. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
  /** The close code of the websocket (RFC 6455, 7.4). */
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string) {
    super(`the connection ended with ${code}${reason && `: ${reason}`}`);
    this.code = code;
    this.reason = reason;
  }
}

/** A call got no reply in time. The server was asked to cancel it. */
export class CallTimeout extends Error {
  override readonly name = "CallTimeout";
}

/** The options of one call. */
export interface CallOptions {
  /** Aborting this signal also cancels the call on the server. */
  signal?: AbortSignal | undefined;
  /** Milliseconds until the call fails; by default those of the connection, for a stream only until it is sent. */
  timeout?: number | undefined;
}

export type Query = Readonly<Record<string, string>>;

/** The part of `WebSocket` that a connection uses; npm `ws` implements it too. */
export interface Socket {
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  addEventListener(type: string, listener: (event: any) => void): void;
}

export interface ConnectionOptions {
  /** Query variables, such as a token. A function is called before each attempt to connect. */
  query?: Query | (() => Query | Promise<Query>) | undefined;
  /** Milliseconds until a call without a reply fails; 30,000 by default. */
  timeout?: number | undefined;
  /** Milliseconds that an attempt to connect may take; 10,000 by default. */
  connectTimeout?: number | undefined;
  /** The most calls and events that may wait for a connection; 100 by default. */
  maxQueue?: number | undefined;
  /** The unsent characters in the socket above which calls are refused; 4 Mi by default. */
  maxBuffered?: number | undefined;
  /** The most items of a stream that may wait to be read; 10,000 by default. A stream with more fails. */
  maxItems?: number | undefined;
  /** Returns whether the connection stays closed after a close code; `isFinal` by default. */
  isFinal?: ((code: number, reason: string) => boolean) | undefined;
  /** Called with errors that handlers of events and states throw; `console.error` by default. */
  onError?: ((error: unknown) => void) | undefined;
  /** The websocket class; the global `WebSocket` by default. */
  WebSocket?: (new (url: string) => Socket) | undefined;
}

// Milliseconds after which a connection counts as stable: the next pause is short again.
const STABLE = 5_000;
const LONGEST_PAUSE = 30_000;
const FINAL_CODES: ReadonlySet<number> = new Set([1000, 1002, 1003, 1007, 1008, 1010]);

/** Return whether a new connection would end with this code again, so that reconnecting is useless. */
export function isFinal(code: number): boolean {
  return FINAL_CODES.has(code) || (code >= 4400 && code < 4500 && code !== 4408 && code !== 4429);
}

/** Return the milliseconds before the next attempt, with jitter, so that clients do not all reconnect at once. */
export function pauseAfter(code: number, attempt: number, random: () => number = Math.random): number {
  // 1012 and 1001: the server restarts, but others may be available. 1013 and 4429: clients should wait longer.
  const [least, most] =
    code === 1012 || code === 1001 ? [0, 1_000] : code === 1013 || code === 4429 ? [5_000, 10_000] : [500, 1_000];
  const factor = Math.min(2 ** attempt, LONGEST_PAUSE / most);
  return (least + random() * (most - least)) * factor;
}

interface Pending {
  /** The socket on which the call was sent. */
  sentOn: Socket | undefined;
  finish(result: unknown): void;
  fail(error: unknown): void;
  item(value: unknown): void;
  /** Releases the timer and the listener of the call. */
  release(): void;
}

interface Message {
  id?: number | string | null;
  method?: string;
  params?: unknown;
  result?: unknown;
  error?: { code: number; message: string; data?: unknown } | null;
}
