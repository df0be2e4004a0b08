// How wide the columns of a table are: as wide as what stands in them, because a number that is cut
// off is another number; and which of them are left out where there is no room for all.

/** Space at both sides of a cell, in pixels; style.css says the same. */
const BESIDE = 24;
/** By how much of a digit the sign between extents is wider than one in the widest of fonts. */
const WIDER = 0.4;

/** A width for the longest of some texts that are numbers, units and what stands between them. */
export function widthOf(texts: Iterable<string>, digit: number): number {
  let longest = 0;
  for (const text of texts) {
    let signs = text.length;
    for (let at = text.indexOf("×"); at >= 0; at = text.indexOf("×", at + 1)) signs += WIDER;
    longest = Math.max(longest, signs);
  }
  return Math.ceil(longest * digit) + BESIDE;
}

/** The columns that there is no room for, out of those that may be left out, the first ones first. */
export function leftOut(widths: Readonly<Record<string, number>>, may: readonly string[], room: number): string[] {
  let over = Object.values(widths).reduce((sum, width) => sum + width, 0) - room;
  const out: string[] = [];
  for (const column of may) {
    if (over <= 0) break;
    over -= widths[column] ?? 0;
    out.push(column);
  }
  return out;
}

/** What tells how wide a text is in the font of an element, in pixels. */
export function ruler(element: HTMLElement): (text: string) => number {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return (text) => 9 * text.length;
  const { fontStyle, fontWeight, fontSize, fontFamily } = getComputedStyle(element);
  context.font = `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;
  return (text) => context.measureText(text).width;
}
