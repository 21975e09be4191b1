import { Type } from 'typebox';
import { describe, expect, test } from 'vitest';
import type { Endpoint } from './endpoint.ts';
import { endpoints, openApiDocument } from './openapi.ts';

/** All values of a key anywhere in a document. */
function valuesOf(document: unknown, key: string): unknown[] {
  if (Array.isArray(document)) return document.flatMap((each) => valuesOf(each, key));
  if (typeof document !== 'object' || document === null) return [];
  return Object.entries(document).flatMap(([name, value]) =>
    name === key ? [value] : valuesOf(value, key),
  );
}

describe('the published contract', () => {
  const document = openApiDocument(endpoints, '1.2.3');

  test('holds every operation of every endpoint once', () => {
    const ids = valuesOf(document['paths'], 'operationId');
    expect(ids.length).toBe(endpoints.length);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain('postApiOrders');
  });

  test('refers only to schemas that it holds', () => {
    const { schemas } = document['components'] as { schemas: Record<string, unknown> };
    const references = new Set(valuesOf(document, '$ref'));
    expect(references.size).toBeGreaterThan(3);
    for (const reference of references) {
      expect(Object.keys(schemas)).toContain(String(reference).replace(/^.*\//, ''));
    }
    expect(valuesOf(document, '$id')).toEqual([]);
  });

  test('names every parameter of a path', () => {
    for (const [path, operations] of Object.entries(document['paths'] as object)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const operation of Object.values(operations as Record<string, { parameters: never }>)) {
        const declared = (operation.parameters as { in: string; name: string }[])
          .filter((each) => each.in === 'path')
          .map(({ name }) => name);
        expect(declared.sort(), path).toEqual(inPath.sort());
      }
    }
  });

  test('can be written as JSON and loses nothing', () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });
});

test('a schema that is used twice stands in the document once', () => {
  const Toy = Type.Object({ name: Type.String() }, { $id: 'Toy' });
  const get: Endpoint = {
    method: 'GET',
    path: '/api/toys/{id}',
    tag: 'shop',
    summary: 'A toy',
    params: Type.Object({ id: Type.String() }),
    responses: { 200: Type.Object({ toy: Toy, others: Type.Array(Toy) }) },
    access: 'owner',
  };
  const document = openApiDocument([get], '1');
  expect(valuesOf(document['paths'], '$ref').filter((each) => /Toy/.test(String(each)))).toEqual([
    '#/components/schemas/Toy',
    '#/components/schemas/Toy',
  ]);
  expect(valuesOf(document['components'], 'Toy')).toEqual([
    { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
  ]);
  expect(valuesOf(document, 'x-role')).toEqual(['owner']);
});
