/** Ctrl-C, turned into a signal that a command can obey at its next good moment. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Stops listening. */
  release(): void;
}

/**
 * Listens for the first Ctrl-C (or SIGTERM). It only asks: the second finds nobody listening and ends the process at once.
 *
 * @param onFirst tells the user that the wish was heard
 */
export function listenForInterrupt(onFirst: () => void): Interrupt {
  const controller = new AbortController();
  const release = (): void => {
    process.off('SIGINT', heard);
    process.off('SIGTERM', heard);
  };
  const heard = (): void => {
    release();
    onFirst();
    controller.abort();
  };
  process.on('SIGINT', heard);
  process.on('SIGTERM', heard);
  return { signal: controller.signal, release };
}
