import type { FeatureStore } from '../features/store.ts';
import { tensorOver } from '../onnx/data-types.ts';
import type { Tensor } from '../onnx/model.ts';

/** Where the stored features of some rows and views are, and how they are laid out. */
export interface StoredRows {
  readonly store: FeatureStore;
  readonly dtype: 'float16' | 'float32';
  /** Shape of one record. */
  readonly dims: readonly number[];
  /** Place in the store per row and view: `places[row][view]`. */
  readonly places: readonly (readonly number[])[];
}

/** A view of a row. */
export interface RowView {
  readonly row: number;
  readonly view: number;
}

/** Reads the features of a batch, [B, …dims]. */
export function readBatch({ store, dtype, dims, places }: StoredRows, batch: readonly RowView[]): Tensor {
  const bytes = new Uint8Array(batch.length * store.recordBytes);
  batch.forEach(({ row, view }, i) => {
    store.read(places[row]![view]!, bytes.subarray(i * store.recordBytes, (i + 1) * store.recordBytes));
  });
  return tensorOver(dtype, bytes.buffer, [batch.length, ...dims]);
}
