import type { Net, Value } from './net.ts';
import type { StateDict } from './state-dict.ts';

/** What the weights say of their network. */
export interface Identity {
  /** `resnet50`; the family's name where no usual network has these sizes. */
  readonly name: string;
  /** Height and width in pixels that it is usually trained with. */
  readonly size: number;
  /** Whether the graph depends on the size, as position embeddings do. */
  readonly fixedSize?: boolean;
}

export interface Built {
  /** The last spatial map [N, C, H, W], or a vector [N, C]. */
  readonly features: Value;
  /** [N, classes], named `logits`; undefined where the weights of the classifier are not there. */
  readonly logits: Value | undefined;
}

export interface BuildOptions {
  /** Height and width of the input in pixels. */
  readonly size: number;
  /** Attention heads of a transformer, which weights do not say. Default: as usual for its width. */
  readonly heads?: number;
}

/** A family of networks that differ in numbers which their weights show. */
export interface Architecture {
  readonly family: string;
  /** By a name or two that no other family has. */
  readonly recognises: (state: StateDict) => boolean;
  readonly identify: (state: StateDict) => Identity;
  /** Names as today's module names, where published files have older ones. */
  readonly renamed?: (name: string) => string;
  /** How pixels become numbers in the published weights. Default ImageNet's mean and deviation. */
  readonly normalisation?: 'imagenet' | 'symmetric';
  /** Writes the nodes. @param input [N, 3, size, size] */
  readonly build: (net: Net, input: Value, options: BuildOptions) => Built;
}
