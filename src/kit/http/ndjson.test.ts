import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNdjson } from './ndjson.ts';

async function* chunksOf(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const size of sizes) {
    yield bytes.subarray(from, from + size);
    from += size;
  }
  yield bytes.subarray(from);
}

async function valuesOf(text: string, sizes: readonly number[] = []): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of readNdjson(chunksOf(Buffer.from(text), sizes))) values.push(value);
  return values;
}

describe('a stream of JSON lines', () => {
  it('gives one value a line', async () => {
    expect(await valuesOf('{"a":1}\n[2]\n"three"\nnull\n')).toEqual([{ a: 1 }, [2], 'three', null]);
  });

  it('is the same however it is cut, through the middle of a character too', async () => {
    const values = fc.array(fc.oneof(fc.jsonValue(), fc.string({ unit: 'grapheme' })));
    const cuts = fc.array(fc.nat({ max: 12 }), { maxLength: 60 });
    const property = fc.asyncProperty(values, cuts, async (given, sizes) => {
      const lines = given.map((value) => JSON.stringify(value));
      const text = lines.map((line) => `${line}\n`).join('');
      expect(await valuesOf(text, sizes)).toEqual(lines.map((line) => JSON.parse(line)));
    });
    await fc.assert(property);
  });

  it('gives a value as soon as its line is over', async () => {
    const { promise: rest } = Promise.withResolvers<Uint8Array>();
    async function* source(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{"first":true}\n{"sec');
      yield await rest; // never comes
    }
    const values = readNdjson(source());
    expect(await values.next()).toEqual({ done: false, value: { first: true } });
  });

  it('skips empty lines, and drops a last line that was never ended', async () => {
    expect(await valuesOf('\n1\n\n\n2\n{"cut off":')).toEqual([1, 2]);
  });

  it('breaks off at a line that is not JSON', async () => {
    await expect(valuesOf('1\nnot json\n3\n')).rejects.toThrow(SyntaxError);
  });

  it('does not gather a line without end', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield Buffer.alloc(1_048_576, 'x');
    }
    await expect(readNdjson(endless()).next()).rejects.toThrow('too long');
  });
});
