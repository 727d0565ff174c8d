/** See mutants.mjs; read by a loader hook, which runs before any TypeScript does. */
export declare const MUTANTS: readonly {
  readonly name: string;
  readonly why: string;
  readonly scenario?: string;
  readonly mode?: 'coherent' | 'bounded' | 'hold';
  readonly only?: readonly string[];
  readonly seconds?: number;
  readonly quick?: boolean;
  readonly patches: readonly { readonly file: string; readonly find: string; readonly replace: string }[];
}[];
