export { Cast as CastLike } from './Cast.ts';
