import type { Buffer } from 'node:buffer';
import type { FieldValue } from './field.js';
import type { ResponseFields } from './stored-headers.js';

/** Status and fields of a response that has not been sent, the same on every platform. Names are matched without regard to case. */
export interface ResponseHead {
  status: number;
  get(name: string): FieldValue;
  set(name: string, value: string | string[]): void;
  remove(name: string): void;
  /** All of them, by lower-case name. */
  fields(): ResponseFields;
}

/** The body as it stands when a response is committed: its bytes or text, or undefined for what is streamed or written by hand. */
export type CommittedBody = Buffer | string | undefined;
