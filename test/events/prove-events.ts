import { stopAll } from '../support/process-keeper.js';
import { judge } from './judge.js';
import { warmUp } from './fleet.js';
import { runScenario } from './scenario.js';
import { SCENARIOS } from './scenarios.js';

/** Every transport with a real broker: 1,000 events each, an outage, a kill -9, throwing mappers, duplicates and reordering. */
const EVENTS = 1_000;
const seed = Number(process.env.STRATA_SEED ?? 1);
/** Names of scenarios; none: all. */
const wanted = process.argv.slice(2);
const wrong: string[] = [];

try {
  await warmUp(4);
  for (const scenario of SCENARIOS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    const { settings, broker, deadLetters } = await scenario.prepare();
    const verdict = await runScenario({ settings, broker, events: EVENTS, seed, kill: true });
    wrong.push(...judge(scenario, verdict, await deadLetters?.()));
    const { emitted, duplicates, duringOutage, queued, unheard, stale, failed, retried, loads, seconds } = verdict;
    const lost = scenario.isOwn && scenario.delivery === 'atLeastOnce' ? verdict.missed : unheard;
    const facts = [
      `${emitted} emitted and ${duplicates} of them twice`,
      broker === undefined ? 'no broker' : `${duringOutage} during the outage`,
      `${queued} waited`,
      `${retried} attempts repeated`,
      `${failed} given up`,
      `${loads} loads`,
      `${seconds.toFixed(0)} s`,
    ];
    console.log(`PROOF ${scenario.name}.lost=${lost}  ${scenario.title}: ${facts.join(', ')}`);
    console.log(`PROOF ${scenario.name}.old-entries=${stale}  in the memory of three instances when all is quiet`);
  }
} finally {
  await stopAll();
}
for (const line of wrong) console.error(line);
process.exit(wrong.length === 0 ? 0 : 1);
