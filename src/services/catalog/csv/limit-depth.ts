/**
 * Takes out tags that are nested deeper than any page needs; their text stays. Parsers of HTML look
 * through all open tags again and again: without a limit 500 KB of `<b>` cost them ten seconds.
 * Linear in the length of the text, by the tokenizer of the very parser that follows.
 */
import { Tokenizer } from 'htmlparser2';

/** Open tags at one place. Editors and shops produce up to some twenty. */
export const depthMax = 100;

const areaTags = ['tbody', 'thead', 'tfoot', 'tr', 'td', 'th'];
/** Tags that end the open ones of these names when they begin, as HTML has it. */
const endedBy: Readonly<Record<string, readonly string[]>> = {
  p: ['p'],
  li: ['li'],
  dt: ['dt', 'dd'],
  dd: ['dt', 'dd'],
  option: ['option'],
  td: ['td', 'th'],
  th: ['td', 'th'],
  tr: ['tr', 'td', 'th'],
  tbody: areaTags,
  tfoot: areaTags,
};
const voidNames = 'area base br col embed hr img input link meta source track wbr';
const voidTags = new Set(voidNames.split(' '));

export function limitDepth(html: string): string {
  const kept: string[] = [];
  const open: string[] = [];
  let keptTo = 0;
  let name = '';
  let start = 0;
  const begin = (end: number): void => {
    if (voidTags.has(name)) return;
    while (endedBy[name]?.includes(open.at(-1) ?? '') === true) open.pop();
    if (open.length < depthMax) {
      open.push(name);
      return;
    }
    kept.push(html.slice(keptTo, start));
    keptTo = end + 1;
  };
  const tokenizer = new Tokenizer(
    {},
    {
      onopentagname(from, to) {
        name = html.slice(from, to).toLowerCase();
        start = from - 1;
      },
      onopentagend: begin,
      onselfclosingtag: begin,
      onclosetag(from, to) {
        const place = open.lastIndexOf(html.slice(from, to).toLowerCase());
        if (place >= 0) open.length = place;
      },
      ...nothing,
    },
  );
  tokenizer.write(html);
  tokenizer.end();
  return keptTo === 0 ? html : kept.join('') + html.slice(keptTo);
}

const ignore = (): void => {};
const nothing = {
  onattribdata: ignore,
  onattribentity: ignore,
  onattribend: ignore,
  onattribname: ignore,
  oncdata: ignore,
  oncomment: ignore,
  ondeclaration: ignore,
  onend: ignore,
  onprocessinginstruction: ignore,
  ontext: ignore,
  ontextentity: ignore,
};
