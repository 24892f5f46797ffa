import type { Progress } from '../core/events.ts';
import type { Metric } from '../evaluate/metric.ts';

/** What a run tells whoever watches it. */
export type TrainEvent =
  | { readonly kind: 'progress'; readonly progress: Progress }
  /** The start of a part. */
  | { readonly kind: 'heading'; readonly text: string }
  /** A sentence for the reader: what is about to happen, or what was found. */
  | { readonly kind: 'note'; readonly text: string }
  /** Something to know even when quiet. */
  | { readonly kind: 'warning'; readonly text: string }
  | {
      readonly kind: 'table';
      readonly title: string;
      readonly headers: readonly string[];
      readonly rows: readonly (readonly string[])[];
    }
  | { readonly kind: 'epoch'; readonly report: EpochReport };

export type OnTrainEvent = (event: TrainEvent) => void;

/** What an epoch came to. */
export interface EpochReport {
  readonly phase: 'head' | 'fine-tune';
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Mean over the epoch's batches, with class weights and smoothing. */
  readonly trainLoss: number;
  /** With class weights, without smoothing. */
  readonly valLoss: number;
  /** On the whole validation set, in [0, 1]. */
  readonly accuracy: number;
  readonly balancedAccuracy: number;
  /** Of the taxonomy's question where there is one, else the mean one-vs-rest AUC. */
  readonly auc: Metric;
  /** Learning rate at the end of the epoch. */
  readonly lr: number;
  /** What did not move, in a few words. */
  readonly frozen: string;
  readonly seconds: number;
  readonly markers: readonly EpochMarker[];
  /** [C][C], row = true class, on the whole validation set. */
  readonly confusionMatrix: readonly (readonly number[])[];
}

/** Something that happened at the end of an epoch. */
export type EpochMarker =
  /** The best so far by the measure that is watched; its weights are kept. */
  | { readonly kind: 'best' }
  | { readonly kind: 'rate'; readonly from: number; readonly to: number }
  | { readonly kind: 'thaw'; readonly layer: string }
  | { readonly kind: 'stop'; readonly reason: string };
