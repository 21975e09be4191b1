import { expect, it } from 'vitest';
import { PaymentLedger } from './payment-ledger.ts';

const one = '0198c0de-0000-7000-8000-000000000001';
const two = '0198c0de-0000-7000-8000-000000000002';

function read(...lines: readonly string[]) {
  const ledger = new PaymentLedger();
  for (const line of lines) ledger.add(line);
  return { captured: [...ledger.captured.keys()], unreadable: ledger.unreadable };
}

it('counts what is captured and not given back, once, in whatever order it was written', () => {
  const capture = `capture ${one} 1299 USD`;
  expect(read(capture, capture)).toEqual({ captured: [one], unreadable: 0 });
  expect(read(capture, `refund ${one}`).captured).toEqual([]);
  expect(read(`void ${one}`, capture).captured).toEqual([]);
});

it('reads over lines that were cut off anywhere, and says how many', () => {
  const capture = `capture ${two} 1299 USD`;
  for (let length = 1; length < capture.length; length += 1) {
    const cut = capture.slice(0, length);
    expect(read(`capture ${one} 500 USD`, cut)).toEqual({ captured: [one], unreadable: 1 });
    // the next writer wrote on behind the rest
    expect(read(`${cut}${capture}`)).toEqual({ captured: [two], unreadable: 0 });
  }
});
