import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProductDraft } from '../../../shop/product-draft.ts';
import { ProductFile, type RowRemark } from './read-product-file.ts';

async function read(content: string | Uint8Array, partBytes = 65_536) {
  const bytes = Buffer.from(content as string);
  async function* parts() {
    for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
  }
  return await readParts(parts());
}

async function readParts(parts: AsyncIterable<Uint8Array>) {
  const file = new ProductFile();
  const drafts: ProductDraft[] = [];
  const errors: RowRemark[] = [];
  const warnings: RowRemark[] = [];
  for await (const product of file.read(parts)) {
    if (product.draft !== null) drafts.push(product.draft);
    errors.push(...product.errors);
    warnings.push(...product.warnings);
  }
  return { drafts, errors, warnings, rows: file.rowsRead };
}

const header = 'Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty';
const good = 'bear,Bear,BEAR,12.99,5';

describe('a product file', () => {
  it('has products of several rows: variants, pictures, or both', async () => {
    const { drafts, errors, rows } = await read(
      [
        'Handle,Title,Body (HTML),Tags,Option1 Name,Option1 Value,Variant Price,Image Src,' +
          'Image Position',
        'bear,Bear,<p>Soft<script>x()</script></p>,"plush, soft",Size,S,1.50,/media/b.webp,2',
        'bear,,,,,M,2,https://pictures.example/a.png,1',
        'bear,,,,,,,/media/c.webp,3',
      ].join('\r\n'),
    );
    expect(errors).toEqual([]);
    expect(rows).toBe(3);
    expect(drafts).toMatchObject([
      {
        descriptionHtml: '<p>Soft</p>',
        tags: ['plush', 'soft'],
        optionNames: ['Size'],
        variants: [
          { optionValues: ['S'], price: 150, quantity: undefined },
          { optionValues: ['M'], price: 200 },
        ],
      },
    ]);
    expect(drafts[0]?.images?.map(({ url }) => url)).toEqual([
      'https://pictures.example/a.png',
      '/media/b.webp',
      '/media/c.webp',
    ]);
  });

  it('may use the new header names', async () => {
    const { drafts, errors } = await read(
      'Title,URL handle,Description,Vendor,Product category,Published on online store,Status,SKU,' +
        'Option1 name,Option1 value,Option1 Linked To,Price,Compare-at price,Inventory quantity,' +
        'Product image URL,Image position,Image alt text,Variant image URL,Gift card,SEO title,' +
        'Color (product.metafields.shopify.color-pattern),Google Shopping / Gender\n' +
        'Bear,bear,Soft,Toys Inc,Toys > Plush,TRUE,draft,B-1,Size,S,,10,12.00,7,/media/b.webp,1,' +
        'A bear,/media/v.webp,FALSE,,,\n',
    );
    expect(errors).toEqual([]);
    expect(drafts).toMatchObject([
      {
        handle: 'bear',
        type: 'Plush',
        published: true,
        status: 'draft',
        images: [{ url: '/media/b.webp', alt: 'A bear' }],
        variants: [
          { sku: 'B-1', price: 1000, compareAt: 1200, quantity: 7, imageUrl: '/media/v.webp' },
        ],
      },
    ]);
  });

  it('may begin with a byte order mark, and be cut anywhere on its way', async () => {
    const content = `\ufeff${header}\nbär,Bär,BÄR,1,1\n`;
    for (const partBytes of [1, 2, 3, 7]) {
      const { drafts, errors } = await read(content, partBytes);
      expect(errors).toEqual([]);
      expect(drafts.map(({ title }) => title)).toEqual(['Bär']);
    }
  });
});

describe('a product file of another program', () => {
  const content = `${header}\nbär,Bär – „klein“,BÄR,12.99,5\n`;
  const utf16 = (text: string, bigEndian: boolean) => {
    const bytes = Buffer.from(text, 'utf16le');
    return bigEndian ? bytes.swap16() : bytes;
  };
  const latin = Buffer.from(
    content.replaceAll('–', '\u0096').replaceAll('„', '\u0084').replaceAll('“', '\u0093'),
    'latin1',
  );
  it.each<[string, string | Uint8Array]>([
    ['UTF-8', content],
    ['UTF-8 with its mark', `\ufeff${content}`],
    ['UTF-16, the low byte first', utf16(`\ufeff${content}`, false)],
    ['UTF-16, the high byte first', utf16(`\ufeff${content}`, true)],
    ['UTF-16 without a mark', utf16(content, false)],
    ['UTF-16, the high byte first, without a mark', utf16(content, true)],
    ['Windows-1252', latin],
    ['semicolons', content.replaceAll(',', ';')],
    ['tabs', content.replaceAll(',', '\t')],
    ['a line that names the delimiter', `sep=;\r\n${content.replaceAll(',', ';')}`],
    ['blank lines first', `\n\n${content}`],
    ['quoted names', content.replace(header, `"${header.replaceAll(',', '","')}"`)],
  ])('is read: %s', async (_name, bytes) => {
    for (const partBytes of [1, 3, 65_536]) {
      const { drafts, errors, warnings } = await read(bytes, partBytes);
      expect([errors, warnings]).toEqual([[], []]);
      expect(drafts).toMatchObject([
        { handle: 'bär', title: 'Bär – „klein“', variants: [{ price: 1299, quantity: 5 }] },
      ]);
    }
  });

  it('keeps its letters where one of them is broken', async () => {
    const broken = Buffer.concat([Buffer.from(`${content}x,Caf`), Buffer.from([0xe9, 0x2c])]);
    const { drafts, errors } = await read(Buffer.concat([broken, Buffer.from('X,1,1\n')]));
    expect(drafts.map(({ title }) => title)).toEqual(['Bär – „klein“']);
    expect(errors).toMatchObject([{ row: 3, column: 'Title' }]);
  });
});

describe('a bad product file keeps its good rows and names the bad ones', () => {
  const cases: [string, string, Partial<RowRemark>][] = [
    ['a negative price', 'x,X,X,-1,1', { column: 'Variant Price' }],
    ['a price in words', 'x,X,X,cheap,1', { column: 'Variant Price' }],
    ['a price that is two', 'x,X,X,1.250,1', { column: 'Variant Price' }],
    ['half a unit', 'x,X,X,1,0.5', { column: 'Variant Inventory Qty' }],
    ['too few columns', 'x,X', { column: 'Variant SKU' }],
    ['too many columns', 'x,X,X,1,1,7', { column: 'Variant Inventory Qty' }],
    ['a byte that is not text', 'x,X\u0000,X,1,1', { column: 'Title' }],
    ['a letter that was lost before', 'x,Caf\ufffd,X,1,1', { column: 'Title' }],
    ['10 MB in a cell', `x,${'X'.repeat(10 * 1024 * 1024)},X,1,1`, { column: 'Title' }],
    ['a handle of an earlier product', 'bear,Another,X,1,1', { column: 'Handle' }],
    ['neither handle, title nor SKU', ',,,1,1', { column: 'Handle' }],
    ['a quotation mark never closed', 'x,"X,X,1,1', { column: 'Title' }],
  ];
  it.each(cases)('%s', async (_name, bad, error) => {
    const { drafts, errors } = await read([header, good, bad].join('\n'));
    expect(drafts.map(({ handle }) => handle)).toEqual(['bear']);
    expect(errors).toEqual([expect.objectContaining({ row: 3, ...error })]);
  });

  it('goes on behind a bad row', async () => {
    const { drafts, rows } = await read([header, 'x,X,X,?,1', good, '', 'y,Y,Y,1'].join('\n'));
    expect(drafts.map(({ handle }) => handle)).toEqual(['bear']);
    expect(rows).toBe(3);
  });

  it('takes a product whole or not at all', async () => {
    const { drafts, errors } = await read(
      'Handle,Title,Option1 Name,Option1 Value,Variant Price\n' +
        'x,X,Size,S,1\nx,,,M,free\ny,Y,Title,Default Title,1\n',
    );
    expect(drafts.map(({ handle }) => handle)).toEqual(['y']);
    expect(errors.map(({ row, column }) => [row, column])).toEqual([[3, 'Variant Price']]);
  });

  it('takes the first row of a SKU in a stock list', async () => {
    const { drafts, errors } = await read('SKU,Inventory quantity\nA,1\nB,2\nA,3\n');
    expect(drafts.map(({ variants }) => variants[0]?.quantity)).toEqual([1, 2]);
    expect(errors).toMatchObject([{ row: 4, column: 'SKU' }]);
  });

  it('says which option values have no name', async () => {
    const { drafts, warnings } = await read(
      'Handle,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant Price\n' +
        'x,Size,S,,Red,1\nx,,M,,Blue,1\n',
    );
    expect(drafts[0]?.variants.map(({ optionValues }) => optionValues)).toEqual([['S'], ['M']]);
    expect(warnings).toMatchObject([{ row: 2, column: 'Option2 Value' }]);
  });

  it('says which columns it does not know, and what they may have meant', async () => {
    const { drafts, errors, warnings } = await read(
      `${header},Colour of Box,Tag\n${good},red,soft\n`,
    );
    expect(drafts).toMatchObject([{ handle: 'bear', tags: undefined }]);
    expect(errors).toEqual([]);
    expect(warnings).toEqual([
      { row: 1, column: 'Colour of Box', message: 'unknown column, not imported' },
      { row: 1, column: 'Tag', message: 'unknown column, not imported; did you mean "Tags"?' },
    ]);
  });

  it.each([
    ['no columns of products', 'a,b\n1,2\n', /neither Title nor Handle/],
    ['not text', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13, 10, 1, 255, 254]), /not a text/],
    ['nothing', '', /empty/],
  ])('%s is an error of the whole file', async (_name, content, message) => {
    const { drafts, errors } = await read(content);
    expect(drafts).toEqual([]);
    expect(errors).toEqual([expect.objectContaining({ row: 1 })]);
    expect(errors[0]?.message).toMatch(message);
  });

  it('that breaks off is the failure of its reader', async () => {
    async function* breaking() {
      yield Buffer.from(`${header}\n${good}\n`);
      throw new Error('the client went away');
    }
    await expect(readParts(breaking())).rejects.toThrow('the client went away');
  });

  it('never throws, whatever the bytes', async () => {
    const cell = fc.oneof(
      fc.string(),
      fc.constantFrom('"', ',', '\n', '-1', '1', 'bear', '\ufeff'),
    );
    const rows = fc.array(fc.array(cell, { maxLength: 6 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 50 }), async (lines, partBytes) => {
        const content = [header, ...lines.map((cells) => cells.join(','))].join('\n');
        const { drafts, errors, rows: count } = await read(content, partBytes);
        expect(drafts.length).toBeLessThanOrEqual(count);
        for (const { row, message } of errors) {
          expect(row).toBeGreaterThan(0);
          expect(message).not.toBe('');
        }
        expect(new Set(drafts.map(({ handle }) => handle)).size).toBe(drafts.length);
      }),
    );
  });
});
