/** What a line of a cart or an order is called: a product with one variant has no variant name. */
export function lineName(line: { readonly title: string; readonly variantTitle: string }): string {
  const { title, variantTitle } = line;
  const isPlain = variantTitle === '' || variantTitle === 'Default Title';
  return isPlain ? title : `${title}, ${variantTitle}`;
}
