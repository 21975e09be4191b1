/** What the owner sends, as a draft. Pure. A field that is not there stays as it is. */
import type { NewProduct, ProductChange, VariantChange } from '../../api/admin-product.ts';
import type { FieldError } from '../../kit/http/problem.ts';
import { cleanHandle, handleFrom } from '../../shop/handle.ts';
import { shopCurrency } from '../../shop/product.ts';
import type { DraftField, ProductDraft, VariantDraft } from '../../shop/product-draft.ts';
import {
  type Reading,
  readAlt,
  readAmount,
  readBarcode,
  readGrams,
  readLine,
  readNames,
  readPicture,
  seoTextLengthMax,
} from '../../shop/product-fields.ts';

export interface OwnerDraft {
  readonly draft: ProductDraft;
  readonly faults: readonly FieldError[];
}

/** Reads one value after the other and gathers what is wrong. What is absent stays undefined. */
class BodyReader {
  readonly faults: FieldError[] = [];

  fail(path: string, message: string): void {
    this.faults.push({ path: `body/${path}`, message });
  }

  take<T, U>(path: string, value: T | undefined, rule: (value: T) => Reading<U>): U | undefined {
    if (value === undefined) return undefined;
    const { value: taken, fault } = rule(value);
    if (fault !== undefined) this.fail(path, fault);
    return taken;
  }

  /** The same for a value that may be null: none. */
  maybe<T, U>(path: string, value: T | null | undefined, rule: (value: T) => Reading<U>) {
    return value === null ? null : this.take(path, value, rule);
  }
}

/** `description` is what became of the body's. */
export function draftOfNew(body: NewProduct, description?: Reading<string>): OwnerDraft {
  const handle = cleanHandle(body.handle ?? '') || handleFrom(body.title);
  const owned = draftOfChange(handle, body, description);
  if (handle !== '') return owned;
  const fault = { path: 'body/handle', message: 'is needed for this title' };
  return { ...owned, faults: [...owned.faults, fault] };
}

export function draftOfChange(
  handle: string,
  body: ProductChange,
  description?: Reading<string>,
): OwnerDraft {
  const reader = new BodyReader();
  const line = (path: 'title' | 'vendor' | 'type' | 'seoTitle') =>
    reader.take(path, body[path], (text) => readLine(text));
  const title = line('title');
  if (title === '') reader.fail('title', 'must not be blank');
  const optioned = body.variants?.find(({ options }) => options !== undefined);
  const optionNames = optioned?.options && Object.keys(optioned.options);
  const draft: ProductDraft = {
    handle,
    isByHandle: true,
    isMore: false,
    title,
    descriptionHtml: reader.take('descriptionHtml', description, (reading) => reading),
    vendor: line('vendor'),
    type: line('type'),
    tags: reader.take('tags', body.tags, (names) => readNames(names, 'tag')),
    status: body.status,
    published: body.published,
    giftCard: body.giftCard,
    seoTitle: line('seoTitle'),
    seoDescription: reader.take('seoDescription', body.seoDescription, (text) =>
      readLine(text, seoTextLengthMax),
    ),
    images: body.images?.map(({ url, alt }, index) => ({
      url: reader.take(`images/${index}/url`, url, readPicture) ?? '',
      alt: reader.take(`images/${index}/alt`, alt, readAlt),
    })),
    collections: reader.take('collections', body.collections, (names) =>
      readNames(names, 'collection'),
    ),
    optionNames: optionNames?.map((name) => {
      return reader.take('variants/0/options', name, (text) => readLine(text)) ?? '';
    }),
    variants: (body.variants ?? []).map((change, index) =>
      variantOf(reader, change, index, optionNames ?? []),
    ),
    hasAllVariants: body.variants !== undefined,
    countsNew: true,
    isLenient: false,
    row: 0,
  };
  return { draft, faults: reader.faults };
}

function readMoney({ amount, currency }: NonNullable<VariantChange['price']>): Reading<number> {
  return currency === shopCurrency ? readAmount(amount) : { fault: `must be in ${shopCurrency}` };
}

function variantOf(
  reader: BodyReader,
  change: VariantChange,
  index: number,
  optionNames: readonly string[],
): VariantDraft {
  const at = `variants/${index}`;
  const { options } = change;
  const imageUrl = reader.maybe(`${at}/imageUrl`, change.imageUrl, readPicture);
  const optionValues = optionNames.map(
    (name) => reader.take(`${at}/options`, options?.[name], (text) => readLine(text)) ?? '',
  );
  return {
    sku: reader.take(`${at}/sku`, change.sku, (text) => readLine(text)) || undefined,
    optionValues: options === undefined ? undefined : optionValues,
    price: reader.take(`${at}/price`, change.price, readMoney),
    compareAt: reader.maybe(`${at}/compareAtPrice`, change.compareAtPrice, readMoney),
    cost: reader.maybe(`${at}/cost`, change.cost, readMoney),
    counted: change.counted,
    quantity: change.available,
    imageUrl: imageUrl === null ? '' : imageUrl,
    barcode: reader.take(`${at}/barcode`, change.barcode, readBarcode),
    grams: reader.maybe(`${at}/grams`, change.grams, readGrams),
    weightUnit: change.weightUnit,
    row: index + 1,
  };
}

/** Where a draft's field is in the body that was sent. */
export function bodyPath(row: number, field: DraftField): string {
  if (row === 0) return `body/${field}`;
  const name = { quantity: 'available', compareAt: 'compareAtPrice' }[field as string] ?? field;
  return `body/variants/${row - 1}/${field.startsWith('option') ? 'options' : name}`;
}
