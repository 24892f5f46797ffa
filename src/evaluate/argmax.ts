/**
 * The class that is answered in each row: the one of the highest probability, or, where priors are given, of the highest
 * probability relative to its prior, argmax p_c / π_c. With the frequencies that a model learned as priors this maximises
 * the expected balanced accuracy; with none, accuracy. Of equals, the first.
 *
 * @param probabilities [n × classes], row-major
 * @param priors [classes], above 0. Default: all equal
 * @returns int32 [n]
 * @see Menon et al. 2013, "On the statistical consistency of algorithms for binary classification under class imbalance"
 */
export function decideRows(
  probabilities: ArrayLike<number>,
  classes: number,
  priors?: readonly number[] | undefined,
): Int32Array {
  if (priors === undefined) return argmaxRows(probabilities, classes);
  return argmaxRows(
    Float64Array.from(probabilities, (p, i) => p / priors[i % classes]!),
    classes,
  );
}

/**
 * The class with the highest probability in each row; of equals, the first.
 *
 * @param probabilities [n × classes], row-major
 * @returns int32 [n]
 */
export function argmaxRows(probabilities: ArrayLike<number>, classes: number): Int32Array {
  const out = new Int32Array(probabilities.length / classes);
  for (let row = 0; row < out.length; row++) {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if (probabilities[row * classes + c]! > probabilities[row * classes + best]!) best = c;
    }
    out[row] = best;
  }
  return out;
}
