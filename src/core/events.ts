/** How far a long stage has come. Sent often; whoever shows it decides how often to draw. */
export interface Progress {
  /** What is being done, such as `features` or `epoch 3`. */
  readonly stage: string;
  readonly done: number;
  readonly total: number;
  /** What is counted, such as `images`. */
  readonly unit: string;
  /** Its end needs no line of its own, for one follows that says more (an epoch's result). Default false. */
  readonly transient?: boolean;
}

/** Receives progress. Library functions take one as an option; the default ignores it. */
export type OnProgress = (progress: Progress) => void;
