/**
 * Runs a loader ahead of its consumer and gives the results in order. A loader's error is thrown when its turn comes.
 *
 * @param ahead results held at most, ≥ 1
 */
export async function* prefetch<T, R>(
  items: readonly T[],
  loader: (item: T) => Promise<R>,
  ahead: number,
): AsyncGenerator<[item: T, result: R]> {
  const pending: Promise<R>[] = [];
  let started = 0;
  for (const item of items) {
    while (started < items.length && pending.length < ahead) {
      const promise = loader(items[started++]!);
      // Until its turn comes, its error is not unhandled.
      promise.catch(() => undefined);
      pending.push(promise);
    }
    yield [item, await pending.shift()!];
  }
}
