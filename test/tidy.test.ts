/**
 * The style that a program can judge, executed: layers, circles, names and sizes. A rule that is
 * not here is a wish. See STYLE.md for the reasons.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { testCasesOf } from './test-cases.ts';

const root = path.resolve(import.meta.dirname, '..');
const linesMax = 400;
const columnsMax = 100;
const decisionLinesMax = 60;
/** Ways to leave a test out. */
const leftOut = new Set(['skip', 'skipIf', 'runIf', 'fails']);
/** Services of two versions tell each other who asks: its field `customerId` keeps its name. */
const personOfTheWire = 'src/kit/http/principal.ts';
/** Their checksum is known to databases that ran them. */
const appendOnly = /\/migrations\/\d{4}\.do\./;

const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root })
  .toString()
  .split('\n')
  .filter((file) => existsSync(path.join(root, file))); // git lists removed files, too
const tracked = listed.filter((file) => /\.(ts|tsx|mjs|sql|css)$/.test(file));

const texts = new Map<string, string>();
for (const file of tracked) texts.set(file, readFileSync(path.join(root, file), 'utf8'));
const files = [...texts.keys()];
const sources = files.filter((file) => /\.(ts|tsx)$/.test(file));
const isTest = (file: string): boolean => /\.test\.tsx?$/.test(file) || file.startsWith('test/');

/** Relative imports of a file, type-only ones included, as repository paths. */
function importsOf(file: string): string[] {
  const found: string[] = [];
  const pattern = /(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g;
  for (const match of (texts.get(file) ?? '').matchAll(pattern)) {
    const target = path.posix.join(path.posix.dirname(file), match[1] ?? '');
    if (/\.tsx?$/.test(target)) found.push(target);
  }
  return found;
}

/** The layer of a file: `services/x` and the folders of `kit` are layers of their own. */
function layerOf(file: string): string {
  const parts = file.split('/');
  if (parts[0] === 'src' && parts[1] === 'services') return `services/${parts[2]}`;
  if (file.startsWith('src/kit/')) return parts.slice(1, -1).join('/');
  if (parts[0] === 'src') return parts[1] ?? '';
  return parts[0] ?? '';
}

const below: Readonly<Record<string, readonly string[]>> = {
  shop: [],
  scaling: [],
  replication: [],
  api: ['shop'],
  kit: [],
  'kit/cluster': ['kit'],
  'kit/database': ['kit', 'kit/cluster'],
  'kit/http': ['kit', 'kit/cluster', 'kit/database'],
  queue: ['kit', 'shop'],
  web: ['shop', 'api'],
};
const ofServices = ['shop', 'scaling', 'replication', 'api', 'kit', 'queue'];

function mayImport(from: string, to: string): boolean {
  if (from === to) return true;
  if (from.startsWith('kit')) return below[from]?.includes(to) === true;
  const target = to.startsWith('kit/') ? 'kit' : to; // for all others it is one
  if (from.startsWith('services/')) return ofServices.includes(target);
  return below[from]?.includes(target) ?? true; // the proofs may import anything
}

describe('layers', () => {
  it('import only what lies below them', () => {
    const wrong = sources
      .filter((file) => !isTest(file) && file.includes('/'))
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => !mayImport(layerOf(file), layerOf(target)))
          .map((target) => `${file} imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  it('never import libraries into the pure ones', () => {
    const pure = sources.filter(
      (file) => /^src\/(shop|scaling|replication)\//.test(file) && !isTest(file),
    );
    const wrong = pure.flatMap((file) =>
      [...(texts.get(file) ?? '').matchAll(/from '([^.'][^']*)'/g)]
        .map((match) => match[1] ?? '')
        .filter((name) => name !== 'node:crypto' && name !== 'node:assert/strict')
        .map((name) => `${file} imports ${name}`),
    );
    expect(pure.length).toBeGreaterThan(5);
    expect(wrong).toEqual([]);
  });

  it('leave the words of the shop to those above the kit', () => {
    const names = 'cart|catalog|checkout|customer|order(?! by)|payment|price|product|purchase';
    const words = new RegExp(`(?<![a-z])(${names}|sku|stock)s?(?![a-z])`, 'i');
    const wrong = sources.filter((file) => {
      if (!file.startsWith('src/kit/') || isTest(file) || file === personOfTheWire) return false;
      const code = (texts.get(file) ?? '').replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g, '');
      return words.test(code.replace(/([a-z])([A-Z])/g, '$1 $2'));
    });
    expect(wrong).toEqual([]);
  });

  it('have no import circles, type-only ones included', () => {
    const state = new Map<string, 'open' | 'done'>();
    const circles: string[] = [];
    const visit = (file: string, trail: readonly string[]): void => {
      if (state.get(file) === 'done' || !texts.has(file)) return;
      if (state.get(file) === 'open') {
        circles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '));
        return;
      }
      state.set(file, 'open');
      for (const target of importsOf(file)) visit(target, [...trail, file]);
      state.set(file, 'done');
    };
    for (const file of sources) visit(file, []);
    expect(circles).toEqual([]);
  });
});

describe('files', () => {
  it('are named by a noun in kebab-case, and never a bag', () => {
    const bags = /(^|\/)(types|interfaces|utils?|helpers?|lib|common|misc|index)\.tsx?$/;
    const kebab = /^[a-z0-9]+([-.][a-z0-9]+)*$/;
    const migration = /^\d{4}\.do\.[a-z0-9-]+\.sql$/;
    const wrong = files.filter((file) => {
      const name = path.posix.basename(file);
      return bags.test(file) || !(kebab.test(name) || migration.test(name));
    });
    expect(wrong).toEqual([]);
  });

  it(`fit a mind: at most ${linesMax} lines`, () => {
    const long = files.filter((file) => (texts.get(file) ?? '').split('\n').length > linesMax + 1);
    expect(long).toEqual([]);
  });

  it(`have lines of at most ${columnsMax} columns, addresses left out`, () => {
    const wide = files.flatMap((file) =>
      (texts.get(file) ?? '').split('\n').flatMap((line, index) => {
        const isWide = line.replace(/https?:\/\/[^\s'"`]+/g, '').length > columnsMax;
        return isWide && !appendOnly.test(file) ? [`${file}:${index + 1}`] : [];
      }),
    );
    expect(wide).toEqual([]);
  });

  it('hold no unfinished business', () => {
    const marks = new RegExp(
      `\\b(${['TO', 'FIX'].map((word) => `${word}${word === 'TO' ? 'DO' : 'ME'}`).join('|')})\\b`,
    );
    const wrong = files.filter((file) => marks.test(texts.get(file) ?? ''));
    expect(wrong).toEqual([]);
  });

  it('silence no complaint about types', () => {
    const silenced = /@ts-(ignore|nocheck|expect-error)|\bas any\b|: any\b/;
    const wrong = sources.filter((file) => {
      return silenced.test((texts.get(file) ?? '').replace(/silenced = .*/, ''));
    });
    expect(wrong).toEqual([]);
  });
});

describe('tests', () => {
  const cases = sources.flatMap((file) => {
    const text = texts.get(file) ?? '';
    if (!text.includes("from 'vitest'")) return [];
    const lines = text.split('\n');
    return testCasesOf(file, text).map(({ line, ...rest }) => {
      return { ...rest, place: `${file}:${line}`, before: lines[line - 2]?.trim() ?? '' };
    });
  });

  it('assert something, each of them', () => {
    const wrong = cases.filter(({ asserts }) => asserts === false).map(({ place }) => place);
    expect(cases.length).toBeGreaterThan(500);
    expect(wrong).toEqual([]);
  });

  it('are left out for a reason only, which stands above them', () => {
    const wrong = cases.filter(({ modifiers, before }) => {
      if (modifiers.some((each) => each === 'only' || each === 'todo')) return true;
      return modifiers.some((each) => leftOut.has(each)) && !before.startsWith('//');
    });
    expect(wrong.map(({ place }) => place)).toEqual([]);
  });

  it('are found, whatever they are called', () => {
    const text = [
      "it.skip('a', () => { expect(1); });",
      "describe.only('b', () => { check(); });",
      "test.skipIf(true)('c', () => { check(); });",
      "it.each([1])('d', () => { check(); });",
      "it('e', (context) => { context.skip(); });",
      'const check = () => { deep.look(); };',
      'const deep = { look() { expect(1); } };',
    ].join('\n');
    const found = testCasesOf('some.test.ts', text);
    const shown = found.map(({ line, modifiers, asserts }) => [line, modifiers.join(), asserts]);
    expect(shown).toEqual([
      [1, 'skip', true],
      [2, 'only', null],
      [3, 'skipIf', true],
      [4, 'each', true],
      [5, '', false],
      [5, 'skip', null],
    ]);
  });
});

describe('documents', () => {
  /** Every file and folder, under its whole path and under each end of it. */
  const endings = new Set<string>();
  for (const file of listed) {
    const parts = file.split('/');
    for (let from = 0; from < parts.length; from += 1) {
      for (let to = from + 1; to <= parts.length; to += 1) {
        endings.add(parts.slice(from, to).join('/'));
      }
    }
  }

  /** `a/b.ts`, `b.ts`, `src/a/`, `{a,b}.ts`; patterns with a star are no paths. */
  function pathsIn(text: string): string[] {
    const isFile = /^[\w./{},-]+\.(tsx?|mjs|sql|css)$/;
    const isFolder = /^(src|test|eval|tools|docs|demo)\/[\w./{},-]*$/;
    return [...text.matchAll(/`([^`\n]+)`/g)]
      .map((match) => match[1] ?? '')
      .filter((name) => isFile.test(name) || isFolder.test(name))
      .flatMap((name) => {
        const [, before = name, choices = '', after = ''] = /^(.*)\{(.*)\}(.*)$/.exec(name) ?? [];
        return choices.split(',').map((each) => `${before}${each}${after}`.replace(/\/$/, ''));
      });
  }

  it('name only files and folders that exist', () => {
    const names = listed.filter((file) => /^(ARCHITECTURE|README|docs\/.*)\.md$/.test(file));
    const named = names.flatMap((document) =>
      pathsIn(readFileSync(path.join(root, document), 'utf8')).map((file) => ({ document, file })),
    );
    const missing = named.filter(({ file }) => !endings.has(file));
    expect(named.length).toBeGreaterThan(50);
    expect(missing).toEqual([]);
  });

  it('link only to what exists', () => {
    const broken = listed
      .filter((file) => file.endsWith('.md'))
      .flatMap((document) =>
        [...readFileSync(path.join(root, document), 'utf8').matchAll(/\]\(([^)#\s]+)/g)]
          .map((match) => match[1] ?? '')
          .filter((to) => !/^https?:/.test(to))
          .filter((to) => !existsSync(path.resolve(root, path.dirname(document), to)))
          .map((to) => `${document} links to ${to}`),
      );
    expect(broken).toEqual([]);
  });
});

describe('decision records', () => {
  it(`are read in a few minutes: at most ${decisionLinesMax} lines`, () => {
    const folder = path.join(root, 'docs/decisions');
    const long = readdirSync(folder).filter((name) => {
      return (
        readFileSync(path.join(folder, name), 'utf8').split('\n').length > decisionLinesMax + 1
      );
    });
    expect(long).toEqual([]);
  });
});

describe('SQL', () => {
  it('is written in lower case', () => {
    const shouting = /\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE|CREATE TABLE)\b/;
    const wrong = files.filter(
      (file) => file !== 'test/tidy.test.ts' && shouting.test(texts.get(file) ?? ''),
    );
    expect(wrong).toEqual([]);
  });
});
