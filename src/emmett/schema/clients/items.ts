// Streams. This code is the same in all generated clients.

/** Too many calls and events wait to be sent, or too many items of a stream wait to be read. */
export class QueueFull extends Error {
  override readonly name = "QueueFull";
}

/** The items of a stream. Leaving the loop, or calling `return`, cancels it. */
export class ItemStream<Item> implements AsyncIterable<Item> {
  private readonly begin: (stream: ItemStream<Item>) => () => void;
  private readonly maxItems: number;
  private readonly items: Item[] = [];
  private readonly readers: { resolve(result: IteratorResult<Item, undefined>): void; reject(error: unknown): void }[] =
    [];
  private abandon: (() => void) | undefined;
  private isOver = false;
  private failure: { error: unknown } | undefined;

  constructor(begin: (stream: ItemStream<Item>) => () => void, maxItems: number) {
    this.begin = begin;
    this.maxItems = maxItems;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Return the next item. The first call of this method sends the call to the server. */
  next(): Promise<IteratorResult<Item, undefined>> {
    if (this.abandon === undefined && !this.isOver) this.abandon = this.begin(this);
    const item = this.items.shift();
    if (item !== undefined) return Promise.resolve({ value: item, done: false });
    if (this.failure !== undefined) {
      const { error } = this.failure;
      this.failure = undefined;
      return Promise.reject(error);
    }
    if (this.isOver) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.readers.push({ resolve, reject }));
  }

  /** Cancel the stream. */
  return(): Promise<IteratorResult<Item, undefined>> {
    if (!this.isOver) this.abandon?.();
    this.items.length = 0;
    this.failure = undefined;
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Add an item. Returns false if there is no room for it. */
  put(item: Item): boolean {
    const reader = this.readers.shift();
    if (reader !== undefined) reader.resolve({ value: item, done: false });
    else if (this.items.length < this.maxItems) this.items.push(item);
    else return false;
    return true;
  }

  /** End the stream, or let it fail, once its items have been read. */
  end(failure?: { error: unknown }): void {
    if (this.isOver) return;
    this.isOver = true;
    const first = this.readers.shift();
    if (first === undefined) this.failure = failure;
    else if (failure !== undefined) first.reject(failure.error);
    else first.resolve({ value: undefined, done: true });
    for (const reader of this.readers.splice(0)) reader.resolve({ value: undefined, done: true });
  }
}
