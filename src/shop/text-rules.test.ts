import { describe, expect, test } from 'vitest';
import { emailProblem, isBlank, nameProblem, textProblem } from './text-rules.ts';

const names = ['Ada', 'Ñuñez O’Brien-Łukasz', '山田 太郎', 'אדה', '\u200fأدا', 'X', '🧸', 'J. R.'];
const blanks = ['', '        ', '\u00a0', '\u200b', '\u3164', '\u2800', '\u00ad\u2060', '\u180e'];
const controls = ['Ada\nLovelace', 'Ada\r', 'a\u0000b', '\u001b[31mAda', 'a\u2028b', 'a\u0085b'];
const turned = ['\u202edaA', 'Ada\u2067', '\u202aAda\u202c'];

describe('a name', () => {
  test('is whatever people are called', () => {
    for (const name of names) expect([name, nameProblem(name)]).toEqual([name, null]);
  });

  test('is not blank, also where the blanks are no spaces', () => {
    for (const name of blanks) {
      expect([name, isBlank(name)]).toEqual([name, true]);
      expect(nameProblem(name)).toBe('must not be blank');
      expect(textProblem(name)).toBeNull();
    }
  });

  test('has no line breaks, control characters or changes of direction', () => {
    for (const name of controls) expect([name, nameProblem(name)]).toEqual([name, oneLine]);
    for (const name of turned) {
      expect([name, nameProblem(name)]).toEqual([name, 'must not change the direction of text']);
    }
    expect(nameProblem('half \ud83e')).toBe('holds half of a character');
  });
});

const oneLine = 'must be one line without control characters';

describe('an e-mail address', () => {
  test('is one in any script, with or without a dot in its domain', () => {
    const emails = [
      'ada@example.com',
      'owner@localhost',
      "o'b+x@a-b.co.uk",
      'ö@bücher.de',
      '愛@例.jp',
    ];
    for (const email of emails) expect([email, emailProblem(email)]).toEqual([email, null]);
  });

  test('is not one with a comma, a blank, a control character, or a broken domain', () => {
    const emails = [
      ...['', 'ada', '@', 'ada@', '@example.com', 'ada@example,com', 'a,b@example.com', 'a@b@c'],
      ...['a b@c', 'ada@exa mple.com', 'ada@-a.com', 'ada@a-.com', 'ada@a..com', 'ada@a.com.'],
      ...['a\u0000@example.com', 'ada@example.com\n', 'a\u202e@example.com', '<ada@example.com>'],
      ...[`${'a'.repeat(65)}@example.com`, `ada@${'a'.repeat(64)}.com`, 'ada@[127.0.0.1]'],
    ];
    for (const email of emails) expect([email, emailProblem(email)]).not.toEqual([email, null]);
  });
});
