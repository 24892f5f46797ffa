export { Reshape as Flatten } from './Reshape.ts';
