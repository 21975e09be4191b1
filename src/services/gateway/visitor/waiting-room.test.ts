import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fakeService, fakeShop } from '../../../../test/gateway/fake-shop.ts';
import { Clients } from './client.ts';
import { noLimits, openClientLimits } from './client-limits.ts';
import { WaitingLine } from './waiting-line.ts';
import { WaitingRoom } from './waiting-room.ts';

describe('the waiting line', () => {
  test('calls at once while fewer come than the rate', () => {
    const line = new WaitingLine(0, 10);
    for (let now = 0; now < 10_000; now += 200) {
      const ticket = line.arrive(now, 10) ?? Number.NaN;
      expect(line.place(ticket, now, 10).position).toBe(0);
    }
  });

  test('tells place and time to those beyond the rate, and calls them in turn', () => {
    const line = new WaitingLine(0, 10);
    const tickets = Array.from({ length: 40 }, () => line.arrive(0, 10) ?? Number.NaN);
    expect(line.place(tickets[9] ?? 0, 0, 10)).toEqual({ position: 0, etaSeconds: 0 });
    expect(line.place(tickets[10] ?? 0, 0, 10)).toEqual({ position: 1, etaSeconds: 1 });
    expect(line.place(tickets[39] ?? 0, 0, 10)).toEqual({ position: 30, etaSeconds: 3 });
    expect(line.place(tickets[39] ?? 0, 1_000, 10).position).toBe(20);
    expect(line.place(tickets[39] ?? 0, 3_100, 10).position).toBe(0);
  });

  test('is full at its limit', () => {
    const line = new WaitingLine(0, 1, 3);
    for (let i = 0; i < 4; i += 1) expect(line.arrive(0, 1)).not.toBeNull();
    expect(line.arrive(0, 1)).toBeNull();
  });

  test('never calls anyone before who came earlier, nor more than the rate allows', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 200 }), { size: 'max', maxLength: 80 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 50 }), (all, rate) => {
        const line = new WaitingLine(0, rate);
        const tickets: number[] = [];
        const isCalled = new Set<number>();
        let now = 0;
        for (const gap of all) {
          now += gap;
          const ticket = line.arrive(now, rate);
          if (ticket !== null) tickets.push(ticket);
          let someoneWaits = false;
          let calledNow = 0;
          for (const each of tickets) {
            const { position } = line.place(each, now, rate);
            if (position > 0) {
              expect(isCalled.has(each)).toBe(false); // once called, always called
              someoneWaits = true;
            } else {
              expect(someoneWaits).toBe(false);
              isCalled.add(each);
            }
            if (position === 0) calledNow += 1;
          }
          expect(calledNow).toBeLessThanOrEqual(rate + (now / 1_000) * rate + 1);
        }
      }),
      { numRuns: 40 },
    );
  });
});

async function crowdedShop(isGone: (path: string) => boolean = () => false, limits = noLimits) {
  let now = 1_000_000;
  const waitingRoom = new WaitingRoom({
    ratePerSecond: 1,
    key: Buffer.alloc(32, 3),
    now: () => now,
    gateways: () => 1,
    isGone,
  });
  const storefront = await fakeService('storefront', (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Teddy</h1>');
  });
  // The test speaks for visitors from anywhere, as a trusted proxy does.
  const clients = new Clients(() => true, 'http');
  const shop = await fakeShop([storefront], { waitingRoom, clients, limits });
  const visit = async (cookie = '', path = '/products/teddy', from = '192.0.2.1') => {
    const headers = { accept: 'text/html', cookie, 'x-forwarded-for': from };
    const answer = await fetch(shop.url + path, { headers });
    const place = answer.headers.get('set-cookie')?.split(';', 1)[0];
    return { status: answer.status, headers: answer.headers, text: await answer.text(), place };
  };
  return {
    shop,
    visit,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
    async [Symbol.asyncDispose]() {
      await shop[Symbol.asyncDispose]();
      await storefront[Symbol.asyncDispose]();
    },
  };
}

describe('the waiting room', () => {
  test('shows place and time, keeps the place across a reload, and lets in in turn', async () => {
    await using crowd = await crowdedShop();
    expect((await crowd.visit()).text).toBe('<h1>Teddy</h1>');
    const second = await crowd.visit();
    const third = await crowd.visit();
    expect([second.status, third.status]).toEqual([503, 503]);
    expect(third.text).toContain('Your place is 2, and it will be your turn in about 2 seconds');
    expect(third.text).toContain('<meta http-equiv="refresh"');
    const again = await crowd.visit(third.place);
    expect(again.text).toContain('Your place is 2');
    expect(again.place).toBeUndefined();
    crowd.pass(1_000);
    expect((await crowd.visit(second.place)).status).toBe(200);
    expect((await crowd.visit(third.place)).text).toContain('Your place is 1');
    crowd.pass(1_000);
    expect((await crowd.visit(third.place)).status).toBe(200);
  });

  test('does not believe a place that it did not write', async () => {
    await using crowd = await crowdedShop();
    await crowd.visit();
    await crowd.visit();
    const forged = `place=1.000.${'A'.repeat(8)}.${'A'.repeat(22)}`;
    expect((await crowd.visit(forged)).text).toContain('Your place is 2');
  });

  test('holds back purchases too, as a problem with place and Retry-After', async () => {
    await using crowd = await crowdedShop();
    await crowd.visit();
    const refused = await fetch(`${crowd.shop.url}/api/orders`, { method: 'POST' });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await refused.json()).toMatchObject({ position: 1, etaSeconds: 1 });
    const cookie = refused.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    crowd.pass(1_000);
    const headers = { cookie };
    const bought = await fetch(`${crowd.shop.url}/api/orders`, { method: 'POST', headers });
    expect(await bought.text()).toBe('buy');
  });

  test.each(['/api/%6frders', '/api/order%73?.css', '/%61pi/orders'])(
    'a purchase at %s waits like every other',
    async (path) => {
      await using crowd = await crowdedShop();
      await crowd.visit();
      const refused = await fetch(crowd.shop.url + path, { method: 'POST' });
      expect([refused.status, (await refused.json()).position]).toEqual([503, 1]);
    },
  );

  test.each(['/products/teddy?.css', '/products/%74eddy', '/products/teddy.css', '/?/assets/x.js'])(
    'the page at %s waits like every other, whatever its visitor accepts',
    async (path) => {
      await using crowd = await crowdedShop();
      await crowd.visit();
      const refused = await fetch(crowd.shop.url + path, { headers: { accept: 'image/png' } });
      expect([refused.status, (await refused.json()).position]).toEqual([503, 1]);
    },
  );

  test('one place lets in no crowd: four networks may show it, the fifth waits anew', async () => {
    await using crowd = await crowdedShop();
    const { place } = await crowd.visit();
    const statuses = [];
    for (let i = 1; i <= 40; i += 1) {
      statuses.push((await crowd.visit(place, '/', `192.0.2.${i}`)).status);
    }
    expect(statuses.filter((status) => status === 200).length).toBe(4);
    expect((await crowd.visit(place, '/', '192.0.2.2')).status).toBe(200); // still its visitor's
  });

  test('one address cannot make the line endless: it gets 600 places a minute', async () => {
    await using crowd = await crowdedShop(() => false, openClientLimits());
    for (let i = 0; i < 600; i += 1) await crowd.visit();
    expect((await crowd.visit()).status).toBe(429);
    const other = await crowd.visit('', '/', '192.0.2.2');
    expect([other.status, other.text.includes('Your place is 600')]).toEqual([503, true]);
    expect((await crowd.visit(other.place, '/', '192.0.2.2')).status).toBe(503); // and keeps it
  });

  test('lets everyone through to what is gone, who would wait for nothing', async () => {
    await using crowd = await crowdedShop((path) => path === '/products/teddy');
    for (let i = 0; i < 3; i += 1) expect((await crowd.visit()).status).toBe(200);
    expect((await crowd.visit('', '/products/duck')).status).toBe(503);
  });

  test('keeps no one from looking up data, pictures or an order', async () => {
    await using crowd = await crowdedShop();
    for (let i = 0; i < 3; i += 1) await crowd.visit();
    expect((await crowd.visit('', '/media/teddy.svg')).status).toBe(200);
    expect((await crowd.visit('', '/api/checkouts/1')).text).toBe('checkout');
  });
});
