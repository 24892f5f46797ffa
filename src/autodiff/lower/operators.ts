/** Domain of the operators that exist only between differentiation and lowering; no file ever holds one. */
export const NEVUS_DOMAIN = 'nevus';

/** dX of a convolution from (dY, W). */
export const CONV_INPUT_GRAD = 'ConvInputGrad';

/** dW of a convolution from (X, dY). */
export const CONV_WEIGHT_GRAD = 'ConvWeightGrad';

/** dX of a transposed convolution from (dY, W): the convolution of dY, as it is. */
export const CONV_TRANSPOSE_INPUT_GRAD = 'ConvTransposeInputGrad';
