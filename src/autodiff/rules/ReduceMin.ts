export { ReduceMax as ReduceMin } from './ReduceMax.ts';
