export { Reshape as Unsqueeze } from './Reshape.ts';
