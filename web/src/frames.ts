// What a demo's page reads: a layer's input, its outputs, and the numbers that each is made of.

export interface Term {
  at: number[];
  value: number;
  weight: number[] | null;
  factor: number | null;
  product: number;
}

export interface Frame {
  at: number[];
  terms: Term[];
  added: Record<string, number>;
  said: string;
  value: number;
  winner: number[] | null;
}

export interface Demo {
  title: string;
  layer: string;
  kind: string;
  says: string[];
  x: Nested[];
  padding: [number, number][];
  output: Nested[];
  frames: Frame[];
  /** The second step of a layer that is two. */
  then: Demo | null;
}

export type Nested = number | Nested[];

/** Channel, depth, row and column of a place; along one axis all stand in row 0, and of two in depth 0. */
export interface Place {
  channel: number;
  depth: number;
  row: number;
  column: number;
}

export function place(at: readonly number[]): Place {
  const [channel = 0, ...axes] = at;
  const [depth = 0, row = 0, column = 0] = [0, 0, ...axes].slice(-3);
  return { channel, depth, row, column };
}

/** The values of a channel by depth, row and column. */
export function slices(channel: Nested): number[][][] {
  let deep = channel as Nested[];
  while (!Array.isArray(deep[0]) || !Array.isArray(deep[0][0])) deep = [deep];
  return deep as number[][][];
}

/** A place as the key of a map. */
export function key(at: readonly number[]): string {
  const { channel, depth, row, column } = place(at);
  return `${channel},${depth},${row},${column}`;
}

/** A number as pages write it: six digits at most, and the sign of minus. */
export function written(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "NaN";
  return String(Number(value.toPrecision(6))).replace("-", "−");
}

/** By place of the input the outputs, by their numbers, that it goes into. */
export function readers(frames: readonly Frame[]): Map<string, number[]> {
  const outputs = new Map<string, number[]>();
  frames.forEach((frame, number) => {
    for (const term of frame.terms) {
      const at = key(term.at);
      outputs.set(at, [...(outputs.get(at) ?? []), number]);
    }
  });
  return outputs;
}

/** By place of a filter its weight, of all frames of a channel of the output. */
export function filter(frames: readonly Frame[], channel: number): Map<string, number> {
  const weights = new Map<string, number>();
  for (const frame of frames) {
    if (frame.at[0] !== channel) continue;
    for (const term of frame.terms) {
      if (term.weight && term.factor !== null) weights.set(key(term.weight), term.factor);
    }
  }
  return weights;
}

/** The extents of a grid that has these places. */
export function extents(places: Iterable<string>): { channels: number; depths: number; rows: number; columns: number } {
  const most = { channels: 0, depths: 0, rows: 0, columns: 0 };
  for (const each of places) {
    const [channel = 0, depth = 0, row = 0, column = 0] = each.split(",").map(Number);
    most.channels = Math.max(most.channels, channel + 1);
    most.depths = Math.max(most.depths, depth + 1);
    most.rows = Math.max(most.rows, row + 1);
    most.columns = Math.max(most.columns, column + 1);
  }
  return most;
}
