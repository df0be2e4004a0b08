// How numbers are written: as convcalc/numbers.py does, which tests/formats/test_web.py compares.

export type Count = number | bigint;

/** Digits in groups of three: 138,357,544. */
export function grouped(value: Count): string {
  return value.toLocaleString("en-US");
}

/** A number with a decimal unit, two decimals: 15.47 G. */
export function scaled(value: Count): string {
  return Number(value) < 1000 ? String(value) : inUnits(Number(value), 1000, ["k", "M", "G", "T", "P"]);
}

/** Bytes with a decimal unit: 12.85 MB. */
export function megabytes(count: Count): string {
  if (count < 1000) return `${count.toString()} B`;
  return inUnits(Number(count), 1000, ["kB", "MB", "GB", "TB", "PB"]);
}

/** Bytes with a binary unit: 58.13 MiB. */
export function mebibytes(count: Count): string {
  if (count < 1024) return `${count.toString()} B`;
  return inUnits(Number(count), 1024, ["KiB", "MiB", "GiB", "TiB", "PiB"]);
}

/** Bytes in both: 60.95 MB (58.13 MiB). */
export function bothBytes(count: Count): string {
  return count < 1000 ? megabytes(count) : `${megabytes(count)} (${mebibytes(count)})`;
}

/** A count with its noun: 2 errors. */
export function plural(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function inUnits(value: number, base: number, units: string[]): string {
  let unit = "";
  for (unit of units) {
    value /= base;
    if (value < base - 0.005) return `${rounded(value)} ${unit}`;
  }
  const [digits = "", power = ""] = value.toExponential(3).split("e");
  return `${digits}e${power.replace(/^([+-])(\d)$/, "$10$2")} ${unit}`;
}

/** Two decimals of the number that is held, as Python rounds it; toFixed does so, too. */
function rounded(value: number): string {
  return value.toFixed(2);
}
