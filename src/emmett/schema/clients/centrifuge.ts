// Calls over npm `centrifuge`. This code is the same in all clients that use the SDK.

/** The server answered a call with an error, or, with a code below 100, the SDK got no answer. */
export class CallFailed extends Error {
  override readonly name = "CallFailed";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

// The most items of one stream that may wait to be read.
const MAX_ITEMS = 10_000;

/** The channel of a stream, and the position after which its items begin. */
interface StreamPlace {
  channel: string;
  epoch: string;
  offset: number;
}

interface StreamPublication<Item> {
  item: Item;
  end?: boolean;
  error?: { code: number; message: string };
}

function failure(error: unknown): unknown {
  if (error instanceof Error) return error;
  const { code, message } = error as { code: number; message: string };
  return new CallFailed(code, message);
}

/** Makes the calls of a client, as `client.connection`. Its `centrifuge` is the client of the SDK. */
export class SDKConnection<Events> {
  readonly centrifuge: Centrifuge;
  private readonly handlers = new Map<string, Set<(event: never) => void>>();
  private readonly take = ({ data }: { data: unknown }): void => this.dispatch(data);

  constructor(centrifuge: Centrifuge) {
    this.centrifuge = centrifuge;
    centrifuge.on("message", this.take);
    centrifuge.on("publication", this.take);
  }

  /** Call a method, and return its result. */
  async call<Result>(method: string, params: unknown): Promise<Result> {
    try {
      return (await this.centrifuge.rpc(method, params)).data as Result;
    } catch (error) {
      throw failure(error);
    }
  }

  /** Send an event. */
  async notify(method: string, params: unknown): Promise<void> {
    try {
      await this.centrifuge.send({ method, params });
    } catch (error) {
      throw failure(error);
    }
  }

  /** Call a method that is a stream. The SDK resumes it after a reconnect. */
  stream<Item>(method: string, params: unknown): ItemStream<Item> {
    return new ItemStream((stream) => {
      const reading = new StreamReading(this.centrifuge, stream, method);
      void reading.run(this.call<StreamPlace>(method, params));
      return () => reading.cancel();
    }, MAX_ITEMS);
  }

  /** Call a function for each event with a name. Returns a function that stops this. */
  on<Name extends keyof Events & string>(name: Name, handler: (event: Events[Name]) => void): () => void {
    const handlers = this.handlers.get(name) ?? new Set();
    this.handlers.set(name, handlers.add(handler));
    return () => handlers.delete(handler);
  }

  /** Subscribe to a channel, whose events go to the handlers of `on`, and return the subscription. */
  channel(name: string, options?: SubscriptionOptions): Subscription {
    const subscription = this.centrifuge.getSubscription(name) ?? this.centrifuge.newSubscription(name, options);
    subscription.off("publication", this.take);
    subscription.on("publication", this.take);
    subscription.subscribe();
    return subscription;
  }

  /** Stop handling events. The client of the SDK is not changed. */
  close(): void {
    this.centrifuge.off("message", this.take);
    this.centrifuge.off("publication", this.take);
    for (const subscription of Object.values(this.centrifuge.subscriptions())) subscription.off("publication", this.take);
  }

  private dispatch(data: unknown): void {
    const { method, params } = (data ?? {}) as { method?: unknown; params?: unknown };
    if (typeof method !== "string") return;
    for (const handler of [...(this.handlers.get(method) ?? [])]) {
      try {
        handler(params as never);
      } catch (error) {
        console.error(error);
      }
    }
  }
}

/** Reads the channel of one stream. */
class StreamReading<Item> {
  private readonly centrifuge: Centrifuge;
  private readonly stream: ItemStream<Item>;
  private readonly method: string;
  private subscription: Subscription | undefined;
  private isOver = false;
  private readonly onDisconnected = ({ code, reason }: { code: number; reason: string }): void =>
    this.fail(new CallFailed(code, reason));

  constructor(centrifuge: Centrifuge, stream: ItemStream<Item>, method: string) {
    this.centrifuge = centrifuge;
    this.stream = stream;
    this.method = method;
  }

  async run(answer: Promise<StreamPlace>): Promise<void> {
    try {
      const { channel, epoch, offset } = await answer;
      this.subscription = this.centrifuge.newSubscription(channel, { since: { epoch, offset } });
    } catch (error) {
      this.fail(error);
      return;
    }
    if (this.isOver) this.cancel();
    else this.read(this.subscription);
  }

  /** Cancel the stream here and on the server. */
  cancel(): void {
    const channel = this.subscription?.channel;
    this.finish();
    // The channel is not known before the server has answered; `run` cancels the stream then.
    if (channel !== undefined) this.centrifuge.rpc("$/cancelRequest", { channel }).catch(() => undefined);
  }

  private read(subscription: Subscription): void {
    subscription.on("publication", ({ data }) => this.take(data as StreamPublication<Item>));
    subscription.on("subscribed", ({ recovered }) => {
      if (!recovered) this.fail(new CallFailed(112, `${this.method}: items were lost while the connection was`));
    });
    subscription.on("unsubscribed", ({ code, reason }) => this.fail(new CallFailed(code, reason)));
    this.centrifuge.on("disconnected", this.onDisconnected);
    subscription.subscribe();
  }

  private take(published: StreamPublication<Item>): void {
    if (this.isOver) return;
    if (published.end) {
      const { error } = published;
      this.finish();
      this.stream.end(error && { error: new CallFailed(error.code, error.message) });
    } else if (!this.stream.put(published.item)) {
      this.stream.end({ error: new QueueFull(`${this.method}: more than ${MAX_ITEMS} items wait to be read`) });
      this.cancel();
    }
  }

  private fail(error: unknown): void {
    if (this.isOver) return;
    this.finish();
    this.stream.end({ error });
  }

  private finish(): void {
    this.isOver = true;
    this.centrifuge.off("disconnected", this.onDisconnected);
    const { subscription } = this;
    this.subscription = undefined;
    // Removing also unsubscribes.
    if (subscription !== undefined) this.centrifuge.removeSubscription(subscription);
  }
}
