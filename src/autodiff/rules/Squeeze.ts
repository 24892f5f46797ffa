export { Reshape as Squeeze } from './Reshape.ts';
