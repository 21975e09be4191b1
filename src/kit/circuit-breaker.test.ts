import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  admits,
  afterAdmission,
  afterFailure,
  afterSuccess,
  type Breaker,
  type BreakerLimits,
  closedBreaker,
} from './circuit-breaker.ts';

const limits: BreakerLimits = { failuresMax: 3, openMs: 100, openMsMax: 400 };
const start = 1_000;

function failed(times: number, breaker = closedBreaker, now = start): Breaker {
  let after = breaker;
  for (let each = 0; each < times; each += 1) after = afterFailure(after, now, limits);
  return after;
}

describe('a circuit breaker', () => {
  it('opens after so many failures in a row, and not before', () => {
    expect(admits(failed(2), start)).toBe(true);
    expect(admits(failed(3), start)).toBe(false);
    expect(failed(3)).toEqual({ mode: 'open', until: start + 100, openMs: 100 });
  });

  it('forgets failures with a success between them', () => {
    expect(admits(failed(2, afterSuccess(failed(2))), start)).toBe(true);
  });

  it('lets one probe through when its time is over', () => {
    const open = failed(3);
    expect(admits(open, start + 99)).toBe(false);
    expect(admits(open, start + 100)).toBe(true);
    const probing = afterAdmission(open, start + 100);
    expect(probing.mode).toBe('probing');
    expect(admits(probing, start + 100)).toBe(false);
  });

  it('closes when the probe succeeds', () => {
    const probing = afterAdmission(failed(3), start + 100);
    expect(afterSuccess(probing)).toEqual(closedBreaker);
  });

  it('stays open twice as long with each failed probe, up to a limit', () => {
    let breaker = failed(3);
    const pauses: number[] = [];
    for (let probes = 0; probes < 4; probes += 1) {
      const now = breaker.mode === 'closed' ? start : breaker.until;
      breaker = afterFailure(afterAdmission(breaker, now), now, limits);
      pauses.push(breaker.mode === 'closed' ? 0 : breaker.until - now);
    }
    expect(pauses).toEqual([200, 400, 400, 400]);
  });

  it('is not opened for longer by what was under way when it opened', () => {
    const open = failed(3);
    expect(afterFailure(open, start + 50, limits)).toBe(open);
  });

  it('gives a probe up that never comes back, and lets another one try', () => {
    const probing = afterAdmission(failed(3), start + 100);
    expect(admits(probing, start + 199)).toBe(false);
    expect(admits(probing, start + 200)).toBe(true);
  });

  it('can always be closed again: by waiting, and one success', () => {
    const event = fc.constantFrom('admission', 'failure', 'success', 'lost');
    const history = fc.array(fc.tuple(event, fc.nat({ max: 300 })));
    const property = fc.property(history, (events) => {
      let breaker = closedBreaker;
      let now = start;
      for (const [kind, ms] of events) {
        now += ms;
        if (kind === 'failure') breaker = afterFailure(breaker, now, limits);
        else if (kind === 'success') breaker = afterSuccess(breaker);
        else if (admits(breaker, now)) breaker = afterAdmission(breaker, now);
      }
      now += limits.openMsMax;
      expect(admits(breaker, now)).toBe(true);
      expect(afterSuccess(afterAdmission(breaker, now))).toEqual(closedBreaker);
    });
    fc.assert(property);
  });
});
