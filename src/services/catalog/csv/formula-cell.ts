/**
 * A spreadsheet runs a cell that begins like a formula, and a title is anybody's text. An
 * apostrophe in front says "text" to it; an import takes it away again.
 */

/** Also in full width, as some spreadsheets take them. */
const formula = /^'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;

export function protectCell(text: string): string {
  return formula.test(text) ? `'${text}` : text;
}

export function restoreCell(cell: string): string {
  return cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell;
}
