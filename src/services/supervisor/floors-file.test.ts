import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FloorsFile, parseFloors } from './floors-file.ts';

const drop = {
  tier: 'worker',
  servers: 4,
  from: '2026-11-27T18:00:00Z',
  to: '2026-11-27T19:00:00Z',
};

describe('the floors in a file', () => {
  let home = '';
  beforeEach(() => {
    home = mkdtempSync(path.join(tmpdir(), 'doorbuster-floors-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  const open = () => {
    const said: string[] = [];
    return { said, file: new FloorsFile(home, (sentence) => said.push(sentence)) };
  };
  const write = (text: string) => writeFileSync(path.join(home, 'floors.json'), text);

  it('are none where there is no file', () => {
    const { file, said } = open();
    expect(file.read()).toEqual([]);
    expect(said).toEqual([]);
  });

  it('are read, read again when they change, and forgotten with the file', () => {
    const { file, said } = open();
    write(JSON.stringify([{ ...drop, name: 'the drop at 18:00' }]));
    const startsAt = Date.parse(drop.from);
    const endsAt = startsAt + 3_600_000;
    const expected = { tier: 'worker', servers: 4, startsAt, endsAt, name: 'the drop at 18:00' };
    expect(file.read()).toEqual([expected]);
    expect(file.read()).toBe(file.read());
    write(JSON.stringify([drop, { ...drop, tier: 'gateway', servers: 2 }]));
    expect(file.read()).toHaveLength(2);
    rmSync(path.join(home, 'floors.json'));
    expect(file.read()).toEqual([]);
    expect(said).toEqual([
      'floors.json schedules 1 floors',
      'floors.json schedules 2 floors',
      'floors.json is gone: nothing is scheduled',
    ]);
  });

  it('stay as they were where the file is wrong, and that is said once', () => {
    const { file, said } = open();
    write(JSON.stringify([drop]));
    const before = file.read();
    write('[{"tier": "worker"');
    expect(file.read()).toBe(before);
    expect(file.read()).toBe(before);
    expect(said).toHaveLength(2);
    expect(said[1]).toMatch(/^floors\.json is not used: /);
  });

  it.each([
    [{ ...drop, tier: 'orders' }, '/0'],
    [{ ...drop, servers: 0 }, '/0/servers'],
    [{ ...drop, from: 'at six' }, '/0/from'],
    [{ ...drop, to: drop.from }, '/0 ends before it begins'],
    [{ ...drop, surprise: 1 }, '/0'],
  ])('names what is wrong in %j', (floor, place) => {
    expect(() => parseFloors(JSON.stringify([floor]))).toThrow(`floors${place}`);
  });
});
