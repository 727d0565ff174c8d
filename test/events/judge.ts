import type { Scenario } from './scenarios.js';
import type { Verdict } from './scenario.js';

/** What is wrong with what happened in a scenario; nothing, when its promise was kept and the run was worth something. */
export function judge(
  { delivery, isOwn, name }: Scenario,
  verdict: Verdict,
  deadLetters: number | undefined,
): string[] {
  const { emitted, duplicates, duringOutage, unheard, missed, stale, poison, failed, retried, queued } = verdict;
  const wrong: string[] = [];
  const must = (isRight: boolean, what: string): void => {
    if (!isRight) wrong.push(`${name}: ${what}`);
  };
  if (delivery === 'atLeastOnce') {
    must(unheard === 0, `${unheard} of ${emitted} events arrived nowhere`);
    must(!isOwn || missed === 0, `${missed} events were not applied by every instance`);
  } else {
    must(unheard <= duringOutage, `${unheard} events arrived nowhere, ${duringOutage} were emitted during the outage`);
  }
  // Without a second tier the memory is dropped at the reconnect, so not even a lost event leaves an old entry.
  const mayStay = delivery === 'atMostOnce' && name.endsWith('with-redis') ? unheard * 3 : 0;
  must(stale <= mayStay, `${stale} old entries are left`);
  must(failed === poison * (isOwn ? 3 : 1), `${failed} poisonous events were given up`);
  must(
    deadLetters === undefined || deadLetters === failed,
    `${deadLetters} dead letters for ${failed} events given up`,
  );
  // A tenth of the events throws once; what a killed instance repeated is not in the count.
  must(retried >= emitted / 40, `only ${retried} attempts were repeated`);
  must(duplicates >= emitted / 5, `only ${duplicates} events were sent twice`);
  const isInterrupted = !name.startsWith('tcp');
  const cleared = verdict.reports.filter(({ stats }) => stats.cleared >= 1).length;
  const expected = name.endsWith('alone') ? verdict.reports.length : 0;
  must(cleared === expected, `${cleared} instances dropped their memory at a reconnect, ${expected} had to`);
  must(
    !isInterrupted || (duringOutage >= 20 && queued >= 20),
    `${duringOutage} events fell into the outage, ${queued} waited`,
  );
  return wrong;
}
