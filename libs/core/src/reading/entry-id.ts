import { randomBytes } from 'node:crypto';

const PROCESS = randomBytes(6).toString('base64url');
let counter = Math.floor(Math.random() * 2 ** 32);

/** 16 latin1 characters no other fill of any process has: 8 name the process, 8 count. A counter costs a tenth of a UUID. */
export function newEntryId(): string {
  counter = (counter + 1) % 2 ** 47;
  return PROCESS + counter.toString(36).padStart(8, '0').slice(-8);
}
