export { FakeClock, settle } from './fake-clock.js';
export { gate, type Gate } from './gate.js';
export { ChaosTier, type TierOperation } from './chaos-tier.js';
export { ChaosBus } from './chaos-bus.js';
export { sharedMemory, type SharedMemory } from './shared-memory.js';
