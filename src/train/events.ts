import type { Progress } from '../core/events.ts';

/** What a run tells whoever watches it. */
export type TrainEvent =
  | { readonly kind: 'progress'; readonly progress: Progress }
  /** A sentence for the reader: what is about to happen, or what was found. */
  | { readonly kind: 'note'; readonly text: string }
  /** A table for the reader. */
  | {
      readonly kind: 'table';
      readonly title: string;
      readonly headers: readonly string[];
      readonly rows: readonly (readonly string[])[];
    }
  | ({ readonly kind: 'epoch' } & EpochReport);

export interface EpochReport {
  readonly phase: 'head' | 'fine-tune';
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Mean over the epoch's batches, with class weights and smoothing. */
  readonly trainLoss: number;
  /** With class weights, without smoothing. */
  readonly valLoss: number;
  readonly accuracy: number;
  readonly balancedAccuracy: number;
  /** Of the taxonomy's question where there is one, else the mean one-vs-rest AUC; undefined where a class is missing. */
  readonly auc: number | undefined;
  /** Learning rate at the end of the epoch. */
  readonly rate: number;
  /** What moves, in words. */
  readonly training: string;
  readonly seconds: number;
  /** What happened after the epoch: a better score, a lower rate, a thaw. */
  readonly markers: readonly string[];
  /** [C][C], row = true class, on the whole validation set. */
  readonly confusionMatrix: readonly (readonly number[])[];
}

export type OnTrainEvent = (event: TrainEvent) => void;
