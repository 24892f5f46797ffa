import type { Model } from '../onnx/model.ts';

/** How pixels become the network's input: `x = u8 · scale + offset`, per channel, at a fixed square size. */
export interface InputSpec {
  /** Name of the graph input. */
  readonly name: string;
  /** Height and width in pixels. */
  readonly size: number;
  readonly layout: 'NCHW' | 'NHWC';
  readonly channels: 'RGB' | 'BGR';
  /** Three factors and three offsets, in the network's channel order. */
  readonly scale: readonly [number, number, number];
  readonly offset: readonly [number, number, number];
}

/** A tensor of the network through which every path from input to features passes, so that it can be cut there. */
export interface CutPoint {
  /** Short name to type: `mixed8`, `block_5`. */
  readonly name: string;
  /** The tensor's name in the graph. */
  readonly tensor: string;
  /** Shape of one example: [C, H, W], [tokens, C] or [C]. */
  readonly dims: readonly number[];
}

/** A network ready for transfer learning. */
export interface Backbone {
  readonly name: string;
  /** Graph with one float32 input (batch `N` free) and the features among its tensors. No classifier is needed in it. */
  readonly model: Model;
  readonly input: InputSpec;
  /** Tensor that a head is attached to by default: the last spatial map [N, C, H, W], or a vector [N, C]. */
  readonly features: string;
  /** From the input to the features, in order. The first is the input itself, named `input`. */
  readonly cuts: readonly CutPoint[];
  readonly licence: string;
  /** Where the weights came from and what they were trained on, in words for the model card. */
  readonly origin: string;
  /** SHA-256 of what the weights were read from. */
  readonly sha256: string;
}
