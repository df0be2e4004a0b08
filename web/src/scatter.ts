// Points over two figures: where they stand, which of them is near, and how they are drawn.

const CELL = 16;
/** Points that are nearer to each other than one part of so many of a pixel are drawn once. */
const FINE = 2;

/** Points, the first ones on top of the others. */
export class Points {
  /** The numbers of points in cells of a grid, by row and column. */
  private readonly cells = new Map<number, number[]>();
  private readonly across: Order;
  private readonly up: Order;

  constructor(
    readonly xs: ArrayLike<number>,
    readonly ys: ArrayLike<number>,
  ) {
    for (let at = 0; at < xs.length; at++) {
      const key = cell(xs[at] ?? 0, ys[at] ?? 0);
      const there = this.cells.get(key);
      if (there) there.push(at);
      else this.cells.set(key, [at]);
    }
    this.across = new Order(xs, ys, 1);
    this.up = new Order(ys, xs, -1);
  }

  /** The point that is nearest to a place, of those within so many pixels, which are no more than a cell; -1 for none. */
  nearest(x: number, y: number, within: number): number {
    let [found, least] = [-1, within * within];
    for (const right of [-CELL, 0, CELL]) {
      for (const down of [-CELL, 0, CELL]) {
        for (const at of this.cells.get(cell(x + right, y + down)) ?? []) {
          const far = ((this.xs[at] ?? 0) - x) ** 2 + ((this.ys[at] ?? 0) - y) ** 2;
          if (far < least || (far === least && at < found)) [found, least] = [at, far];
        }
      }
    }
    return found;
  }

  /** How many points stand where one does, it among them. */
  together(at: number): number {
    const [x, y] = [this.xs[at] ?? 0, this.ys[at] ?? 0];
    const near = this.cells.get(cell(x, y)) ?? [];
    return near.filter((other) => this.xs[other] === x && this.ys[other] === y).length;
  }

  /** The point that a key goes to from one: to the left and right, or up and down; none for other keys. */
  stepped(key: string, from: number): number | undefined {
    const far = Math.max(Math.round(this.xs.length / 20), 2);
    const by: Partial<Record<string, [Order, number]>> = {
      ArrowRight: [this.across, 1],
      ArrowLeft: [this.across, -1],
      ArrowUp: [this.up, 1],
      ArrowDown: [this.up, -1],
      PageUp: [this.across, far],
      PageDown: [this.across, -far],
      Home: [this.across, -Infinity],
      End: [this.across, Infinity],
    };
    const [order, step] = by[key] ?? [];
    return order?.stepped(from, step ?? 0);
  }

  /** The leftmost point. */
  get first(): number {
    return this.across.stepped(0, -Infinity);
  }

  /** How many points are further to the left. */
  rank(at: number): number {
    return this.across.rank[at] ?? 0;
  }
}

/** The points in the order of a coordinate, and of another one where that is the same. */
class Order {
  readonly rank: Int32Array;
  private readonly at: Int32Array;

  constructor(one: ArrayLike<number>, other: ArrayLike<number>, sign: number) {
    this.at = Int32Array.from({ length: one.length }, (_, at) => at).sort(
      (a, b) => sign * ((one[a] ?? 0) - (one[b] ?? 0)) || (other[a] ?? 0) - (other[b] ?? 0) || a - b,
    );
    this.rank = new Int32Array(one.length);
    this.at.forEach((point, place) => (this.rank[point] = place));
  }

  stepped(from: number, step: number): number {
    const place = Math.min(Math.max((this.rank[from] ?? 0) + step, 0), this.at.length - 1);
    return this.at[place] ?? from;
  }
}

function cell(x: number, y: number): number {
  return Math.floor(x / CELL) * 65536 + Math.floor(y / CELL);
}

/** Of some first points those that no other one of them is better than in two figures, by the first one. */
export function edge(
  count: number,
  across: { most: boolean; value(at: number): number },
  up: { most: boolean; value(at: number): number },
): number[] {
  const x = (at: number): number => (across.most ? -across.value(at) : across.value(at));
  const y = (at: number): number => (up.most ? -up.value(at) : up.value(at));
  const order = Array.from({ length: count }, (_, at) => at).sort((a, b) => x(a) - x(b) || y(a) - y(b) || a - b);
  let least = Infinity;
  const found = order.filter((at) => {
    if (y(at) >= least) return false;
    least = y(at);
    return true;
  });
  return across.most ? found.reverse() : found;
}

/** The data of a path of circles, those at one place once. */
export function circles({ xs, ys }: Points, from: number, to: number, radius: number): string {
  const drawn = new Set<number>();
  const parts: string[] = [];
  for (let at = from; at < to; at++) {
    const [x, y] = [Math.round((xs[at] ?? 0) * FINE), Math.round((ys[at] ?? 0) * FINE)];
    const key = x * 65536 + y;
    if (drawn.has(key)) continue;
    drawn.add(key);
    const wide = 2 * radius;
    parts.push(`M${x / FINE - radius} ${y / FINE}a${radius} ${radius} 0 1 0 ${wide} 0a${radius} ${radius} 0 1 0 ${-wide} 0Z`);
  }
  return parts.join("");
}

/** Every how many numbers along a side stand there, so that none is over another. */
export function every(widths: readonly number[], room: number): number {
  const widest = Math.max(...widths, 0);
  const between = room / Math.max(widths.length - 1, 1);
  return Math.max(Math.ceil(widest / between), 1);
}
