import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AnswerReader, encodeAnswer } from './call-wire.ts';

const answer = fc.record({
  index: fc.nat(),
  status: fc.integer({ min: 200, max: 599 }),
  headers: fc.dictionary(fc.stringMatching(/^x-[a-z]{1,9}$/), fc.string({ unit: 'grapheme' })),
  body: fc.string({ unit: 'grapheme' }).map((text) => `${text}\n${text}`),
});

test('what was written is read again, however it is cut', () => {
  fc.assert(
    fc.property(fc.array(answer), fc.array(fc.nat(200)), (answers, cuts) => {
      const written = answers.map(({ body, ...head }) => encodeAnswer(head, body)).join('');
      const bytes = Buffer.from(written);
      const reader = new AnswerReader();
      const read: unknown[] = [];
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        const found = reader.read(bytes.subarray(at, at + cut));
        read.push(...found.map((each) => ({ ...each, body: each.body.toString() })));
        at += cut;
      }
      expect(read).toEqual(answers);
    }),
  );
});

test.each(['no JSON\n', '{"a":1}\n'])('what is no answer is refused: %j', (text) => {
  expect(() => new AnswerReader().read(Buffer.from(text))).toThrow();
});
