export { Max as Min } from './Max.ts';
