import type { ComponentType } from 'react';

interface IslandProps<Props extends object> {
  /** Key in the table of islands that the browser's entry module holds. */
  readonly name: string;
  readonly of: ComponentType<Props>;
  readonly props: Props;
}

/**
 * A part of a page that comes alive in the browser; everything around it stays plain HTML. Its
 * properties travel in a data block, which no content security policy forbids, since nothing runs
 * it. `<` is escaped so that a product called `</script>` stays a product.
 */
export function Island<Props extends object>({ name, of: Component, props }: IslandProps<Props>) {
  const json = JSON.stringify(props).replaceAll('<', '\\u003c');
  return (
    <div className="island" data-island={name}>
      {/* biome-ignore lint/security/noDangerouslySetInnerHtml: JSON with every `<` escaped */}
      <script type="application/json" dangerouslySetInnerHTML={{ __html: json }} />
      <div className="island">
        <Component {...props} />
      </div>
    </div>
  );
}
