/** Every text about events that a user reads, in one place: what is wrong, where, and what to do. */

export const eventMessages = {
  badVersion: (type: string, version: unknown): string =>
    `CacheEvents.emit "${type}": version: expected a whole number that rises with every change, got ${String(version)}`,

  notJson: (type: string, error: unknown): string =>
    `CacheEvents.emit "${type}": the payload has no JSON form; send ids and plain data. Cause: ${String(error)}`,

  tooLarge: (type: string, bytes: number, max: number): string =>
    `CacheEvents.emit "${type}": ${bytes} bytes, and maxEventBytes is ${max}; send what identifies the change, such as an id`,

  oversized: (type: string, max: number): string =>
    `event "${type}": larger than maxEventBytes (${max}), or nested too deep; dropped`,

  otherType: (type: string, inside: string): string =>
    `event "${type}": its envelope says "${inside.slice(0, 60)}"; dropped. Publish an event under its own name`,

  plainFailed: (type: string, error: unknown): string =>
    `event "${type}": 'plain' could not read it; dropped. Cause: ${String(error)}`,

  unreadable: (type: string, cache: string, error: unknown): string =>
    `event "${type}": part of it cannot be applied to cache "${cache}"; what can be was. Cause: ${String(error)}`,

  failed: (type: string, attempts: number, error: unknown): string =>
    `event "${type}": could not be applied in ${attempts} attempts; handed to onFailure, and to the dead letters of the ` +
    `broker where it has some. Cause: ${String(error)}`,

  failureFailed: (type: string, error: unknown): string =>
    `event "${type}": onFailure failed as well, so this event is lost here. Cause: ${String(error)}`,

  appliedFailed: (type: string, error: unknown): string =>
    `event "${type}" was applied, but onApplied failed. Cause: ${String(error)}`,

  unacknowledged: (type: string): string =>
    `event "${type}": the second tier did not acknowledge the invalidation; the engine keeps it and sends it first`,

  notSent: (type: string, error: unknown): string => `event "${type}" was not taken by the broker: ${String(error)}`,

  queueing: (waiting: number, error: unknown): string =>
    `the broker takes no events; ${waiting} waiting here and sent when it is back. Cause: ${String(error)}`,

  queueFull: (type: string, max: number): string =>
    `event "${type}": ${max} events (maxQueued) are waiting for the broker already`,

  overflowed: (type: string, max: number): string =>
    `event "${type}" is lost: ${max} events (maxQueued) are waiting for the broker, and the oldest makes room. Entries it ` +
    `concerns are served until their ttl ends. An outbox loses none`,

  leftAtShutdown: (count: number): string =>
    `${count} events were still waiting for the broker at shutdown and are lost; an outbox loses none`,

  noEngine: (): string =>
    `CacheEventsModule.forRoot: 'caches' are given, but no cache engine reaches them. Add CacheModule.forRoot() to the ` +
    `imports of the root module, or leave 'caches' out where events are only emitted.`,

  badClient: (): string =>
    `CacheEventsModule.forRoot: client: expected { transport, options } as for ClientsModule, a ClientProxy, the token of a ` +
    `provider that is one, or an array of those`,

  noSuchClient: (token: string): string =>
    `CacheEventsModule.forRoot: client: no provider ${token}; register it with ClientsModule, or give { transport, options }`,

  cleared: (transport: string): string =>
    `connected to ${transport}: what was published before is unknown, so the memory of this instance is dropped`,
} as const;
