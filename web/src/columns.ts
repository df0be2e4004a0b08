// JSON in columns, as convcalc/formats/web/columns.py writes it: read value by value, on demand.

export type Packed =
  | { is: "values"; values: unknown[] }
  | { is: "same"; value: unknown; length: number }
  | { is: "words"; words: unknown[]; at: Places }
  | { is: "steps"; first: number; steps: Packed }
  | { is: "copied"; length: number; values: number[]; copies: number[] }
  | { is: "dotted"; front: Packed; tail: Packed }
  | { is: "named"; at: Packed }
  | { is: "digits"; values: (string | null)[] }
  | { is: "again"; of: Packed; at: Packed }
  | { is: "lists"; lengths: Packed; items: Packed }
  | { is: "gaps"; length: number; at: Places; rest: Packed }
  | {
      is: "objects";
      length: number;
      fields: Record<string, Packed>;
      some: Record<string, { at: Places; column: Packed }>;
    };

/** Numbers of places or of words, as they are or as a column. */
type Places = number[] | Packed;

/** A column: how many values, and each of them. */
export interface Column<T = unknown> {
  readonly length: number;
  at(index: number): T;
}

/** The values of a column. */
export function values<T>(column: Column<T>): T[] {
  return Array.from({ length: column.length }, (_, index) => column.at(index));
}

/** A column that is read as it is asked for; `names` are those that it was packed with. */
export function unpacked<T = unknown>(packed: Packed, names: readonly string[] = []): Column<T> {
  return column(packed, names) as Column<T>;
}

function column(packed: Packed, names: readonly string[]): Column {
  switch (packed.is) {
    case "values":
      return { length: packed.values.length, at: (index) => packed.values[index] };
    case "same":
      return { length: packed.length, at: () => packed.value };
    case "words": {
      const at = places(packed.at);
      return { length: at.length, at: (index) => packed.words[at[index] ?? -1] };
    }
    case "steps":
      return whenAsked(column(packed.steps, names).length + 1, () => added(packed.first, column(packed.steps, names) as Column<number>));
    case "copied":
      return whenAsked(packed.length, () => copied(packed));
    case "dotted":
      return dotted(column(packed.front, names) as Column<string | null>, column(packed.tail, names) as Column<string>);
    case "named":
      return named(column(packed.at, names) as Column<number | null>, names);
    case "digits":
      return { length: packed.values.length, at: (index) => whole(packed.values[index] ?? null) };
    case "again":
      return again(column(packed.of, names), column(packed.at, names) as Column<number>);
    case "lists":
      return lists(column(packed.lengths, names) as Column<number>, column(packed.items, names));
    case "gaps":
      return gaps(packed.length, places(packed.at), column(packed.rest, names));
    case "objects":
      return objects(packed, names);
  }
}

function places(at: Places): readonly number[] {
  return Array.isArray(at) ? at : (values(column(at, [])) as number[]);
}

/** A column whose values are worked out together, when the first of them is asked for. */
function whenAsked(length: number, made: () => readonly number[]): Column<number> {
  let known: readonly number[] | undefined;
  return { length, at: (index) => (known ??= made())[index] ?? NaN };
}

function added(first: number, steps: Column<number>): number[] {
  let sum = first;
  return [first, ...values(steps).map((step) => (sum += step))];
}

function copied({ values: rest, copies }: Packed & { is: "copied" }): number[] {
  const made: number[] = [];
  let used = 0;
  for (let copy = 0; copy < copies.length; copy += 3) {
    const [at = 0, long = 0, back = 1] = copies.slice(copy, copy + 3);
    while (made.length < at) made.push(rest[used++] ?? NaN);
    for (let step = 0; step < long; step++) made.push(made[made.length - back] ?? NaN);
  }
  for (; used < rest.length; used++) made.push(rest[used] ?? NaN);
  return made;
}

function dotted(front: Column<string | null>, tail: Column<string>): Column<string> {
  return {
    length: tail.length,
    at(index) {
      const before = front.at(index);
      return before === null ? tail.at(index) : `${before}.${tail.at(index)}`;
    },
  };
}

function named(at: Column<number | null>, names: readonly string[]): Column {
  return {
    length: at.length,
    at(index) {
      const number = at.at(index);
      return number === null ? null : names[number];
    },
  };
}

function again(of: Column, at: Column<number>): Column {
  return { length: at.length, at: (index) => of.at(at.at(index)) };
}

/** A whole number, as a number where that has all of its digits. */
function whole(text: string | null): number | bigint | null {
  if (text === null) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

function lists(lengths: Column<number>, items: Column): Column {
  let starts: number[] | undefined;
  return {
    length: lengths.length,
    at(index) {
      if (starts === undefined) {
        let next = 0;
        starts = values(lengths).map((length) => (next += length) - length);
      }
      const start = starts[index] ?? 0;
      return Array.from({ length: lengths.at(index) }, (_, step) => items.at(start + step));
    },
  };
}

/** For each place its number among those in `at`, and -1 for the others. */
function ranks(length: number, at: readonly number[]): Int32Array {
  const found = new Int32Array(length).fill(-1);
  at.forEach((place, rank) => (found[place] = rank));
  return found;
}

function gaps(length: number, at: readonly number[], rest: Column): Column {
  const empty = new Set(at);
  const there = Array.from({ length }, (_, place) => place).filter((place) => !empty.has(place));
  const found = ranks(length, there);
  return {
    length,
    at(index) {
      const rank = found[index] ?? -1;
      return rank < 0 ? null : rest.at(rank);
    },
  };
}

function objects(packed: Packed & { is: "objects" }, names: readonly string[]): Column {
  const fields = Object.entries(packed.fields).map(([name, field]) => [name, column(field, names)] as const);
  const some = Object.entries(packed.some).map(
    ([name, part]) => [name, ranks(packed.length, places(part.at)), column(part.column, names)] as const,
  );
  return {
    length: packed.length,
    at(index) {
      const one: Record<string, unknown> = {};
      for (const [name, field] of fields) one[name] = field.at(index);
      for (const [name, found, part] of some) {
        const rank = found[index] ?? -1;
        if (rank >= 0) one[name] = part.at(rank);
      }
      return one;
    },
  };
}

/** One field of a column of objects, as it is packed; an error where none has it. Lists on the way are entered, and so are values that may be null. */
export function part(packed: Packed, ...path: string[]): Packed {
  let inner = packed;
  for (const name of path) {
    if (inner.is === "lists") inner = inner.items;
    if (inner.is === "gaps") inner = inner.rest;
    if (inner.is === "again") {
      const of = part(inner.of, name);
      inner = { is: "again", of, at: inner.at };
      continue;
    }
    const found = inner.is === "objects" ? (inner.fields[name] ?? inner.some[name]?.column) : undefined;
    if (found === undefined) throw new Error(`there is no field ${name} of ${path.join(".")}`);
    inner = found;
  }
  return inner;
}
