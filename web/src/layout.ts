// Where everything stands in a graph of which some groups are open: what convcalc/pictures/layout.py
// works out, number for number, which test/layout.test.ts holds it to. That file says why things
// stand where they do; here are its words for the same things, one for one.

/** What can be visible: a layer or a group, rounds of several, or branches side by side. */
export interface Placed {
  /** It as a box, if it can be one. */
  closed: { high: number; leaves: boolean } | null;
  /** It as a frame, if it can be one. */
  opened: { titled: { near: number }; crowded: { near: number } } | null;
  rounds: number;
  /** What stands in it where it is open, side by side. */
  chains: number[];
}

/** Distances, in pixels; layout.py says between what. */
export interface Room {
  behind: number;
  before: number;
  track: number;
  lane: number;
  first_lane: number;
  branches: number;
  head: number;
  tail: number;
  near: number;
  far: number;
}

export interface Measures {
  wide: number;
  shadow: number;
  arrow: number;
  below: number;
  margin: number;
  pad: number;
}

/** What is to be placed. */
export interface Placeable {
  /** By chain, outer before inner, how many places are in it; the first is the whole. */
  chains: number[];
  places: Placed[];
  /** Places that are joined where all is open. */
  lines: [number, number][];
  room: Room;
  measures: Measures;
}

export type Point = [along: number, across: number];

export interface Line {
  points: Point[];
  source: Spot;
  /** Null of what ends at a frame, where another line goes on. */
  target: Spot | null;
  /** Whether it goes round something, as a skip does. */
  bow: boolean;
  /** Whether it comes into a box from its side. */
  entry: boolean;
}

const NEAR = 0.01;
const MUCH_LONGER = 2.5;
/** What goes across in a gap: what leaves the element before it, what is straight, what comes in. */
const ORDER = { out: 0, fork: 1, join: 1, in: 2 };

type Crossing = keyof typeof ORDER;
type Way = { run: Run; at: number }[];
type Turn = [alongside: boolean, to: () => number];

interface Route {
  start: [() => number, () => number];
  turns: Turn[];
}

/** A visible element: a box, a frame round a chain, or branches side by side. */
export class Spot {
  runs: Run[] = [];
  frame = false;
  along = 0;
  across = 0;
  axis = 0;
  spare = 0;
  start = 0;
  left = 0;
  sides: Spot[] = [];
  /** Of branches, how far from its near side each is. */
  lefts: number[] = [];
  readonly id: string;

  constructor(
    readonly number: number,
    readonly placed: Placed,
    readonly run: Run,
    readonly at: number,
  ) {
    this.id = `s${number}`;
  }

  /** Whether a line comes to a frame of rounds where else their number stands. */
  get crowded(): boolean {
    return this.placed.rounds > 1 && this.runs.some((run) => run.entered);
  }

  get isSplit(): boolean {
    return this.runs.length > 0 && !this.frame;
  }

  get top(): number {
    return this.start;
  }

  get end(): number {
    return this.start + this.along - this.spare;
  }

  get middle(): number {
    return this.left + this.axis;
  }

  /** Where a line comes in from its side. */
  side(source: Spot): number {
    return this.start + (this.along - this.spare) * ((this.sides.indexOf(source) + 1) / (this.sides.length + 1));
  }
}

interface Arc {
  first: number;
  last: number;
  lane: number;
}

/** A visible chain. */
export class Run {
  spots: Spot[] = [];
  main: Spot | null = null;
  goesOn = false;
  entered = false;
  along = 0;
  across = 0;
  axis = 0;
  start = 0;
  left = 0;
  offsets: number[] = [];
  readonly id: string;
  private content = 0;
  private gaps: number[] = [];
  private readonly tracks = new Map<number, Map<string, number>>();
  private readonly arcs = new Map<string, Arc>();

  constructor(
    number: number,
    private readonly room: Room,
    readonly owner: Spot | null,
    readonly branch: number,
  ) {
    this.id = `r${number}`;
  }

  get framed(): boolean {
    return this.owner?.frame ?? false;
  }

  get lastBranch(): boolean {
    return this.owner === null || this.owner.frame || this.branch === this.owner.runs.length - 1;
  }

  get top(): number {
    return this.start;
  }

  get middle(): number {
    return this.left + this.axis;
  }

  /** Whether it is a box that reads what it starts from, and that nothing reads. */
  get isEnd(): boolean {
    const [first] = this.spots;
    const plain = this.spots.length === 1 && !first?.runs.length && !first?.sides.length && !this.arcs.size && !this.tracks.size;
    return plain && this.main !== null && !this.goesOn;
  }

  /** Reserve a track in a gap; what gives its place along. */
  track(gap: number, crossing: Crossing, of: Spot | Run): () => number {
    let tracks = this.tracks.get(gap);
    if (!tracks) this.tracks.set(gap, (tracks = new Map<string, number>()));
    const name = `${crossing} ${of.id}`;
    if (!tracks.has(name)) tracks.set(name, tracks.size);
    const its = tracks;
    return () => this.start + (this.gaps[gap + 1] ?? NaN) + (its.get(name) ?? NaN) * this.room.track;
  }

  /** Reserve a part of a lane: positions are gaps and elements, counted together from 0. */
  occupy(name: string, position: number): void {
    const arc = this.arcs.get(name);
    if (arc) {
      arc.first = Math.min(arc.first, position);
      arc.last = Math.max(arc.last, position);
    } else {
      this.arcs.set(name, { first: position, last: position, lane: 0 });
    }
  }

  /** What gives the place of a lane across. */
  lane(name: string): () => number {
    let arc = this.arcs.get(name);
    if (!arc) this.arcs.set(name, (arc = { first: 2 * this.spots.length, last: 0, lane: 0 }));
    const its = arc;
    return () => this.left + this.content + this.room.first_lane + its.lane * this.room.lane;
  }

  /** Give each arc a lane: those that meet have different ones, inner ones nearer. */
  assignLanes(): void {
    const arcs = [...this.arcs.values()].sort((one, other) => one.first - other.first || one.last - other.last);
    for (let at = 0; at < arcs.length; ) {
      const start = at;
      const free: number[] = [];
      const busy: Arc[] = [];
      let reach = -Infinity;
      let used = 0;
      for (let arc = arcs[at]; arc && (at === start || arc.first <= reach); arc = arcs[++at]) {
        reach = Math.max(reach, arc.last);
        for (let place = busy.length - 1; place >= 0; place--) {
          const other = busy[place];
          if (!other || other.last >= arc.first) continue;
          free.push(other.lane);
          busy.splice(place, 1);
        }
        free.sort((one, other) => one - other);
        arc.lane = free.shift() ?? used++;
        busy.push(arc);
      }
      for (const arc of arcs.slice(start, at)) arc.lane = used - 1 - arc.lane; // those that start first reach farthest
    }
  }

  /** How large it is, once all that stands in it is. */
  measure(): void {
    const { room, spots } = this;
    for (const names of this.tracks.values()) {
      const order = (name: string): number => ORDER[name.split(" ")[0] as Crossing];
      [...names.keys()].sort((one, other) => order(one) - order(other)).forEach((name, number) => names.set(name, number));
    }
    this.gaps = [];
    this.offsets = [];
    let along = this.framed ? room.head : 0;
    for (let gap = -1; gap < spots.length; gap++) {
      const tracks = this.tracks.get(gap)?.size ?? 0;
      if (gap < 0) {
        this.gaps.push(along);
        along += tracks && (tracks - 1) * room.track + room.before;
      } else if (gap === spots.length - 1) {
        this.gaps.push(along + room.behind);
        const several = this.framed && (spots[gap]?.isSplit ?? false);
        along += tracks || several ? room.behind : 0;
        along += Math.max(0, tracks - 1) * room.track;
      } else {
        this.gaps.push(along + room.behind);
        along += room.behind + room.before + Math.max(0, tracks - 1) * room.track;
      }
      const next = spots[gap + 1];
      if (next) {
        this.offsets.push(along);
        along += next.along;
      }
    }
    this.along = along + (this.framed ? room.tail : 0);
    this.axis = Math.max(...spots.map((spot) => spot.axis));
    this.content = this.axis + Math.max(...spots.map((spot) => spot.across - spot.axis));
    const lanes = Math.max(0, ...[...this.arcs.values()].map((arc) => arc.lane + 1));
    this.across = this.content + (lanes && room.first_lane + (lanes - 1) * room.lane);
  }
}

/** Where everything stands. */
export class Layout {
  /** Visible chains, outer before inner. */
  readonly runs: Run[] = [];
  readonly lines: Line[] = [];
  /** How far the whole reaches. */
  readonly along: number;
  readonly across: number;
  private readonly spots: (Spot | undefined)[];
  private readonly planned: { route: Route; source: Spot; target: Spot | null; bow: boolean; entry: boolean }[] = [];

  constructor(
    private readonly graph: Placeable,
    nesting: Nesting,
    isOpen: (place: number) => boolean,
  ) {
    this.spots = new Array<Spot | undefined>(graph.places.length).fill(undefined);
    this.build(nesting, isOpen);
    this.join(nesting);
    this.sizes();
    this.put();
    this.draw();
    this.along = this.runs[0]?.along ?? 0;
    this.across = this.runs[0]?.across ?? 0;
  }

  /** What is visible of a place: itself, or the folded group that it stands in. */
  spot(place: number): Spot | undefined {
    return this.spots[place];
  }

  private build(nesting: Nesting, isOpen: (place: number) => boolean): void {
    const waiting: [number, Spot | null, number][] = [[0, null, 0]];
    for (let here = waiting.pop(); here; here = waiting.pop()) {
      const [chain, owner, branch] = here;
      const run = new Run(chain, this.graph.room, owner, branch);
      owner?.runs.push(run);
      this.runs.push(run);
      const inner: [number, Spot, number][] = [];
      nesting.inChain(chain).forEach((number, at) => {
        const placed = this.graph.places[number];
        if (!placed) return;
        const spot = new Spot(number, placed, run, at);
        run.spots.push(spot);
        this.spots[number] = spot;
        if (!placed.chains.length || (placed.closed && !isOpen(number))) return;
        spot.frame = placed.opened !== null;
        placed.chains.forEach((each, place) => inner.push([each, spot, place]));
      });
      waiting.push(...inner.reverse());
    }
  }

  /** What boxes read, each once, in the order of the network. */
  private edges(nesting: Nesting): [Spot, Spot][] {
    const edges = new Map<string, [Spot, Spot]>();
    const shown = (place: number): Spot | undefined => {
      let at: number | undefined = place;
      while (at !== undefined && !this.spots[at]) at = nesting.around(at);
      return at === undefined ? undefined : this.spots[at];
    };
    for (const [from, to] of this.graph.lines) {
      const source = shown(from);
      const target = shown(to);
      if (!source || !target || source === target) continue;
      const name = `${source.id} ${target.id}`;
      if (!edges.has(name)) edges.set(name, [source, target]);
    }
    return [...edges.values()];
  }

  /** Find which way each line goes, and reserve the tracks and lanes that it takes. */
  private join(nesting: Nesting): void {
    const lines: [Spot, Spot, Way, Way, number][] = [];
    const candidates = new Map<Run, [boolean, Spot][]>();
    for (const [source, target] of this.edges(nesting)) {
      const into = way(target);
      const out = way(source);
      let at = 0;
      while (into[at]?.run === out[at]?.run && into[at]?.at === out[at]?.at) at++;
      if (into[at]?.run !== out[at]?.run || (into[at]?.at ?? 0) < (out[at]?.at ?? 0)) continue;
      lines.push([source, target, into, out, at]);
      for (const { run } of out.slice(at + 1)) run.goesOn = true;
      for (const step of into.slice(at + 1)) {
        const listed = candidates.get(step.run);
        if (listed) listed.push([step.at === 0, source]);
        else candidates.set(step.run, [[step.at === 0, source]]);
      }
    }
    for (const run of this.runs) {
      const listed = candidates.get(run);
      if (listed) run.main = main(run, listed);
    }
    const done = new Set<string>();
    for (const line of lines) this.line(...line, done);
    for (const run of this.runs) run.assignLanes();
  }

  /** A line in parts: to the start of a chain whose input is its source, and from there. */
  private line(source: Spot, target: Spot, into: Way, out: Way, at: number, done: Set<string>): void {
    let leaves: Way | null = out;
    for (;;) {
      const from = at;
      const stop = into.findIndex(({ run, at: place }, deep) => deep > from && run.main === source && (run.framed || place > 0));
      const end = into[stop]?.run ?? target;
      const key = `${source.id} ${into[at]?.run.id ?? ""} ${leaves === null} ${end.id}`;
      if (!done.has(key)) {
        done.add(key);
        const last = stop < 0 ? into.length - 1 : stop - 1;
        this.part(source, end, into.slice(at, last + 1), leaves?.slice(at) ?? null);
      }
      if (stop < 0) return;
      at = stop;
      leaves = null;
    }
  }

  /** Reserve what a part of a line takes: from a box or the start of a chain to an end. */
  private part(source: Spot, end: Spot | Run, into: Way, out: Way | null): void {
    const { run, at: place } = first(into);
    let gap = -1;
    let inside = false;
    let plain = true;
    let route: Route;
    if (out === null) {
      route = { start: [() => run.top, () => run.middle], turns: [] };
    } else {
      gap = first(out).at;
      route = { start: [() => source.end, () => source.middle], turns: [] };
      [inside, plain] = leave(route, source, out);
    }
    const straight = into.slice(1).every((step) => step.at === 0 && !step.run.framed);
    const onAxis = straight && into.length === 1 && (end instanceof Spot || end.framed);
    const target = end instanceof Spot ? end : null;
    let bow = false;
    if (!inside && straight && gap === place - 1) {
      if (!(plain && onAxis)) {
        route.turns.push([true, plain || !onAxis ? run.track(gap, "fork", source) : run.track(gap, "join", end)]);
        route.turns.push([false, () => end.middle]);
      }
    } else {
      bow = true;
      const name = `arc ${source.id}`;
      if (inside) {
        run.occupy(name, 2 * gap + 1);
      } else {
        route.turns.push([true, run.track(gap, "out", source)]);
        run.occupy(name, 2 * gap + 2);
      }
      route.turns.push([false, run.lane(name)]);
      if (arrive(route, source, end, into)) {
        this.planned.push({ route, source, target, bow, entry: true });
        return;
      }
    }
    route.turns.push([true, () => end.top]);
    this.planned.push({ route, source, target, bow, entry: false });
  }

  /** How large everything is, what stands inside first. */
  private sizes(): void {
    const { room, measures } = this.graph;
    for (const run of [...this.runs].reverse()) {
      for (const spot of run.spots) {
        const [inner] = spot.runs;
        if (!inner || spot.frame) spot.spare = this.spare(spot);
        if (!inner) {
          spot.along = (spot.placed.closed?.high ?? 0) + spot.spare;
          spot.across = measures.wide;
          spot.axis = spot.across / 2;
        } else if (spot.frame) {
          spot.axis = Math.max(room.near + inner.axis, spot.placed.opened?.[spot.crowded ? "crowded" : "titled"].near ?? 0);
          spot.across = spot.axis + inner.across - inner.axis + room.far;
          spot.along = inner.along + spot.spare;
        } else {
          spot.along = Math.max(...spot.runs.map((each) => each.along));
          spot.lefts = leftsOf(spot, room);
          spot.across = Math.max(...spot.runs.map((each, place) => (spot.lefts[place] ?? 0) + each.across));
          spot.axis = axisOf(spot);
        }
      }
      run.measure();
    }
  }

  /** What is kept free behind a box or a frame: for the arrow that leaves the network. */
  private spare(spot: Spot): number {
    const { shadow, arrow, below } = this.graph.measures;
    const end = endOf(spot);
    const leaves = end?.placed.closed?.leaves && outermost(end) === spot;
    return (spot.frame || spot.placed.rounds === 1 ? 0 : shadow) + (leaves ? arrow + below : 0);
  }

  /** Where everything is, what stands outside first. */
  private put(): void {
    for (const run of this.runs) {
      run.spots.forEach((spot, place) => {
        spot.start = run.start + (run.offsets[place] ?? 0);
        spot.left = run.middle - spot.axis;
        for (const [number, inner] of spot.runs.entries()) {
          if (spot.frame) {
            inner.start = spot.start;
            inner.left = spot.middle - inner.axis;
            continue;
          }
          const spare = spot.along - inner.along;
          inner.start = spot.start + (inner.main === null ? spare : inner.goesOn ? spare / 2 : 0);
          inner.left = spot.left + (spot.lefts[number] ?? 0);
        }
      });
    }
  }

  /** Where lines are, now that everything has its place. */
  private draw(): void {
    for (const { route, ...line } of this.planned) {
      const points = corners(route);
      if (points.length > 1) this.lines.push({ points, ...line });
    }
  }
}

/** Which place stands in which chain, and which chain in which place. */
export class Nesting {
  private readonly starts: number[] = [];
  private readonly owners: (number | undefined)[];
  private readonly chainOf: number[] = [];

  constructor(private readonly graph: Placeable) {
    graph.chains.forEach((count, chain) => {
      this.starts.push(this.chainOf.length);
      for (let place = 0; place < count; place++) this.chainOf.push(chain);
    });
    this.owners = new Array<number | undefined>(graph.chains.length).fill(undefined);
    graph.places.forEach((placed, place) => {
      for (const chain of placed.chains) this.owners[chain] = place;
    });
  }

  /** The places of a chain, from its start to its end. */
  inChain(chain: number): number[] {
    return Array.from({ length: this.graph.chains[chain] ?? 0 }, (_, at) => (this.starts[chain] ?? 0) + at);
  }

  /** What a place stands in; nothing of one in the outermost chain. */
  around(place: number): number | undefined {
    return this.owners[this.chainOf[place] ?? -1];
  }
}

function first(steps: Way): Way[number] {
  const [step] = steps;
  if (!step) throw new Error("a line leads nowhere");
  return step;
}

/** The chains that a box stands in, outer first, and where in each. */
function way(spot: Spot): Way {
  const steps: Way = [];
  for (let here: Spot | null = spot; here; here = here.run.owner) steps.push({ run: here.run, at: here.at });
  return steps.reverse();
}

/** Go on from a lane to the end; whether that is beside a box, and not before it. */
function arrive(route: Route, source: Spot, end: Spot | Run, into: Way): boolean {
  const name = `arc ${source.id}`;
  const { run, at: place } = first(into);
  if (into.length > 1 && into.slice(1).every((step) => step.at === 0 && !step.run.framed)) {
    run.occupy(name, 2 * place);
    route.turns.push([true, run.track(place - 1, "in", source)], [false, () => end.middle]);
    return false;
  }
  let direct = into.length - 1;
  while (direct && into[direct]?.run.lastBranch) direct--;
  for (const [deep, step] of into.slice(0, direct).entries()) {
    const below = into[deep + 1]?.run;
    step.run.occupy(name, 2 * step.at);
    below?.occupy(name, 0);
    if (below) below.entered = true;
    route.turns.push([true, step.run.track(step.at - 1, "in", source)]);
    if (below) route.turns.push([false, below.lane(name)]);
  }
  const beside = first(into.slice(direct));
  const { run: deepest, at: last } = first(into.slice(-1));
  if (end instanceof Spot) {
    beside.run.occupy(name, 2 * beside.at + 1);
    if (!end.sides.includes(source)) end.sides.push(source);
    route.turns.push([true, () => end.side(source)], [false, () => end.left + end.across]);
    return true;
  }
  beside.run.occupy(name, 2 * beside.at + Number(deepest !== beside.run));
  route.turns.push([true, deepest.track(last - 1, "in", source)], [false, () => end.middle]);
  return false;
}

/** Go from a box to the gap behind the element that it stands in, or over to a lane.
 *
 * Whether it is on its way across to a lane of the outer chain already; and whether it is on the
 * axis of the outer chain.
 */
function leave(route: Route, source: Spot, out: Way): [inside: boolean, plain: boolean] {
  let plain = out.slice(1).every(({ run }) => run.framed);
  for (let deep = out.length - 1; deep > 0; deep--) {
    const step = out[deep];
    if (!step || step.at === step.run.spots.length - 1) continue;
    plain = false;
    const name = `exit ${source.id}`;
    route.turns.push([true, step.run.track(step.at, "out", source)]);
    if (out.slice(1, deep + 1).every(({ run }) => run.lastBranch)) return [true, false];
    step.run.occupy(name, 2 * step.at + 2);
    step.run.occupy(name, 2 * step.run.spots.length);
    route.turns.push([false, step.run.lane(name)]);
  }
  return [false, plain];
}

/** How far from the near side of branches each of them is: one beside the other, or an end nearer. */
function leftsOf(spot: Spot, room: Room): number[] {
  const lefts: number[] = [];
  let left = 0;
  for (const run of spot.runs) {
    lefts.push(left);
    left += run.across + room.branches;
  }
  const [one, other] = spot.runs;
  if (!one || !other || lefts.length > 2 || !one.isEnd || !other.main || other.goesOn) return lefts;
  let before = 0;
  let beside = 0;
  for (const [place, each] of other.spots.entries()) {
    if (before >= one.along + room.branches) break;
    beside = Math.max(beside, each.axis);
    before = (other.offsets[place] ?? 0) + each.along;
  }
  const apart = other.axis - beside - room.branches - one.across;
  return [Math.max(apart, 0), Math.max(-apart, 0)];
}

/** Where the axis of branches is: that of one which is much longer than all others, or between. */
function axisOf(spot: Spot): number {
  const axes = spot.runs.map((run, place) => (spot.lefts[place] ?? 0) + run.axis);
  const fed = axes.filter((_, place) => spot.runs[place]?.main);
  if (fed.length === 1) return fed[0] ?? 0; // the others read nothing, and stand beside it
  const long = spot.runs.map((run) => run.along);
  const [second = 0, longest = 0] = [...long].sort((one, other) => one - other).slice(-2);
  if (longest >= MUCH_LONGER * second) return axes[long.indexOf(longest)] ?? 0;
  return ((axes[0] ?? 0) + (axes.at(-1) ?? 0)) / 2;
}

/** The box whose output leaves an element on its axis; null of branches. */
function endOf(spot: Spot | undefined): Spot | null {
  let here = spot;
  while (here?.runs.length) {
    if (!here.frame) return null;
    here = here.runs[0]?.spots.at(-1);
  }
  return here ?? null;
}

/** The outermost frame whose output is a box's, or the box. */
export function outermost(spot: Spot): Spot {
  let here = spot;
  for (let { owner } = here.run; owner?.frame && here.at === here.run.spots.length - 1; { owner } = here.run) here = owner;
  return here;
}

/** The box whose output comes in at the start of a chain: what its first element reads. */
function main(run: Run, candidates: [boolean, Spot][]): Spot | null {
  const { owner } = run;
  const before = owner && (owner.at ? endOf(owner.run.spots[owner.at - 1]) : owner.run.main);
  const firsts = candidates.filter(([isFirst]) => isFirst).map(([, source]) => source);
  return before && firsts.includes(before) ? before : (firsts[0] ?? candidates[0]?.[1] ?? null);
}

/** The corners of a line, from its start to its end. */
function corners(route: Route): Point[] {
  let [along, across] = [route.start[0](), route.start[1]()];
  const points: Point[] = [[along, across]];
  let went: boolean | null = null;
  for (const [alongside, to] of route.turns) {
    const end = to();
    if (Math.abs(end - (alongside ? along : across)) < NEAR) continue;
    if (alongside) along = end;
    else across = end;
    if (alongside === went) points.pop();
    points.push([along, across]);
    went = alongside;
  }
  return points;
}
