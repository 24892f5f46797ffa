export { Add as Sum } from './Add.ts';
