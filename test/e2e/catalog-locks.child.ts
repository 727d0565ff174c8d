import 'reflect-metadata';
import type { Settings } from '../../apps/catalog/src/settings.js';
import { serveCalls, tellParent } from '../support/child-side.js';
import { nightlyInstance } from './catalog-locks-instance.js';

/** An instance of the catalogue to be killed in the middle of a night. */
const settings = JSON.parse(process.argv[2]) as Settings;
serveCalls(await nightlyInstance(settings, (changed) => tellParent('stalled', changed)));
