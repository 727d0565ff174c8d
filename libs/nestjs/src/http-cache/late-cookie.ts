import type { ServerResponse } from 'node:http';

/**
 * Tells of every cookie that is set from now on; returns how to stop. Session middleware sets its cookie from inside `writeHead`, after
 * everybody has decided, so this is in force while the inner `writeHead` runs.
 */
export function watchCookies(response: ServerResponse, onCookie: () => void): () => void {
  const set = response.setHeader.bind(response);
  const append = response.appendHeader.bind(response);
  const told = (name: string, apply: () => unknown): ServerResponse => {
    apply();
    if (name.toLowerCase() === 'set-cookie') onCookie();
    return response;
  };
  response.setHeader = (name, value) => told(name, () => set(name, value));
  response.appendHeader = (name, value) => told(name, () => append(name, value));
  return () => {
    response.setHeader = set;
    response.appendHeader = append;
  };
}
