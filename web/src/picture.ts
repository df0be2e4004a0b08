// A graph drawn with some of its groups open, as convcalc/pictures/svg.py writes the same.

import { s } from "./dom";
import { Layout, Nesting, outermost, type Line, type Measures, type Placeable, type Placed, type Point, type Spot } from "./layout";
import type { Slice } from "./sheets";

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
  role: string;
  radius: number;
}

interface Text {
  x: number;
  y: number;
  text: string;
  size: number;
  role: string;
  anchor: string;
  bold: boolean;
  wide: number;
}

/** What is drawn of a layer, or of a folded group. */
interface Face {
  key: string;
  title: string;
  boxes: Box[];
  texts: Text[];
  layers: number[];
}

interface Closed {
  high: number;
  behind: Box[];
  faces: Face[];
  over: Text[];
  made: Text;
  labelled: boolean;
  leaves: boolean;
  fault: boolean;
  unknown: boolean;
  enters: Text;
}

/** What is written above a frame: all of it, and what it is where there is no room for that. */
interface Titled {
  near: number;
  texts: Text[];
}

interface Opened {
  key: string;
  title: string;
  role: string;
  titled: Titled;
  crowded: Titled;
  badge: Text | null;
}

interface Place extends Placed {
  closed: Closed | null;
  opened: Opened | null;
  name: string | null;
  level: number;
}

/** What convcalc/pictures/foldable.py says of a graph. */
export interface Foldable extends Placeable {
  places: Place[];
  foot: Text[];
  about: string;
  font: string;
  depth: number;
  whole: boolean;
}

/** Which groups are open: those above a depth, but for some. */
export interface Open {
  depth: number;
  expand: ReadonlySet<string>;
  collapse: ReadonlySet<string>;
}

/** Boxes from which on only those in sight are drawn. */
export const MANY = 400;
const HEAD = 7;
const RADIUS = 6;
const FRAME_RADIUS = 8;

/** The graph of a network, to be drawn with any of its groups open. */
export class Picture {
  /** Depths at which other groups are open than at the one before. */
  readonly depths: number[];
  private readonly nesting: Nesting;
  private readonly placeOf = new Map<string, number>();
  private readonly cardOf = new Map<number, number>();
  private readonly boxes = new Map<number, SVGGElement>();
  private shown: Layout | undefined;

  constructor(
    readonly graph: Foldable,
    private readonly name: string,
    private readonly id: string,
  ) {
    this.nesting = new Nesting(graph);
    const depths = new Set([1]);
    graph.places.forEach((place, number) => {
      if (place.name !== null) {
        this.placeOf.set(place.name, number);
        depths.add(place.level + 2);
      }
      if (!place.chains.length) {
        for (const face of place.closed?.faces ?? []) for (const layer of face.layers) this.cardOf.set(layer, number);
      }
    });
    this.depths = [...depths].sort((one, other) => one - other);
  }

  /** The groups around a layer, inner before outer. */
  around(layer: number): string[] {
    const names: string[] = [];
    for (let at = this.cardOf.get(layer); at !== undefined; at = this.nesting.around(at)) {
      const name = this.graph.places[at]?.name;
      if (name) names.push(name);
    }
    return names;
  }

  /** Whether a group is open, if what it stands in is: so is one in which another one is asked for. */
  isOpen(name: string, open: Open): boolean {
    return this.opened(open)(this.placeOf.get(name) ?? -1);
  }

  private opened(open: Open): (place: number) => boolean {
    const asked = new Set<number>();
    for (const name of open.expand) {
      for (let at = this.placeOf.get(name); at !== undefined; at = this.nesting.around(at)) asked.add(at);
    }
    return (number) => {
      const place = this.graph.places[number];
      if (typeof place?.name !== "string" || open.collapse.has(place.name)) return false;
      return asked.has(number) || place.level + 1 < open.depth;
    };
  }

  /** Where everything stands. */
  layout(open: Open): Layout {
    return new Layout(this.graph, this.nesting, this.opened(open));
  }

  /** How large it is with what is written below it. */
  paper(layout: Layout): [width: number, height: number] {
    const { margin } = this.graph.measures;
    const foot = this.foot(layout);
    const right = Math.max(margin + layout.across, ...foot.map((text) => text.x + text.wide));
    return [right + margin, Math.max(margin + layout.along, ...foot.map((text) => text.y + 4)) + margin];
  }

  private foot(layout: Layout): Text[] {
    return this.graph.foot.map((text) => ({ ...text, y: text.y + this.graph.measures.margin + layout.along }));
  }

  /** What stands for a layer in the element that was made last. */
  partOf(layer: number): Element | undefined {
    const spot = this.spotOf(layer);
    const face = spot?.placed.closed?.faces.findIndex(({ layers }) => layers.includes(layer)) ?? -1;
    return spot && this.boxOf(spot)?.querySelectorAll("[data-key]")[face];
  }

  /** From where to where that stands. */
  extentOf(layer: number): Slice | undefined {
    const spot = this.spotOf(layer);
    const { margin } = this.graph.measures;
    return spot && [margin + spot.start, margin + spot.end];
  }

  /** From where to where a group stands. */
  extentOfGroup(name: string): Slice | undefined {
    const spot = this.shown?.spot(this.placeOf.get(name) ?? -1);
    const { margin } = this.graph.measures;
    return spot && [margin + spot.start, margin + spot.end];
  }

  private spotOf(layer: number): PlacedSpot | undefined {
    for (let at = this.cardOf.get(layer); at !== undefined; at = this.nesting.around(at)) {
      const spot = this.shown?.spot(at);
      if (spot) return spot as PlacedSpot;
    }
    return undefined;
  }

  /** It as an element. Parts that were in another one are taken from there. */
  drawing(open: Open): Drawing {
    const { graph } = this;
    const layout = (this.shown = this.layout(open));
    const foot = this.foot(layout);
    const [width, height] = this.paper(layout).map(number) as [string, string];
    const svg = s(
      "svg",
      { width, height, viewBox: `0 0 ${width} ${height}`, "font-family": graph.font, role: "group", "aria-labelledby": `${this.id}-title`, "aria-describedby": `${this.id}-description` },
      s("title", { id: `${this.id}-title` }, this.name),
      s("desc", { id: `${this.id}-description` }, graph.about),
      s("rect", { class: "paper", width, height }),
    );
    const drawing = new Drawing(svg, this.items(layout), layout.runs.reduce((sum, run) => sum + run.spots.filter((spot) => !spot.runs.length).length, 0));
    svg.append(...foot.map((text) => drawnText(text)));
    return drawing;
  }

  /** All that is drawn of a layout but what is below it: parts, lines, and what is written at them. */
  private items(layout: Layout): Item[][] {
    const { measures } = this.graph;
    const { margin } = measures;
    const faulty = new Set<Spot>();
    for (const { source, target } of layout.lines) if (target && closedOf(target).fault) faulty.add(source);
    const boxes = layout.runs.flatMap((run) => run.spots).filter((spot) => !spot.runs.length);
    const along = (line: Line): Slice => {
      const ends = line.points.map(([at]) => margin + at);
      return [Math.min(...ends), Math.max(...ends)];
    };
    const below = measures.shadow + measures.arrow + measures.below;
    return [
      this.parts(layout.runs[0]?.spots ?? []),
      layout.lines.map((line) => ({ extent: along(line), make: () => drawnLine(line, margin) })),
      boxes.map((spot) => ({
        extent: [margin + spot.start, margin + outermost(spot).end + below],
        make: () => made(spot, faulty.has(spot), measures),
      })),
      layout.lines
        .filter(({ entry, target }) => entry && target && closedOf(target).fault)
        .map((line) => ({ extent: along(line), make: () => entering(line, margin) })),
    ];
  }

  /** What is visible of places, and all that stands in them. */
  private parts(spots: readonly Spot[]): Item[] {
    const { margin } = this.graph.measures;
    return spots.flatMap((spot) => {
      const inside = spot.runs.flatMap((run) => this.parts(run.spots));
      const opened = this.graph.places[spot.number]?.opened;
      if (spot.runs.length && (spot.isSplit || !opened)) return inside;
      const extent: Slice = [margin + spot.start, margin + spot.end];
      if (!spot.frame) return [{ extent, make: () => [this.boxOf(spot)].filter((box) => !!box) }];
      return opened ? [{ extent, make: () => [this.frameOf(opened, spot)], inside }] : [];
    });
  }

  /** A box where it stands now. */
  private boxOf(spot: Spot): SVGGElement | undefined {
    const place = this.graph.places[spot.number];
    const { margin } = this.graph.measures;
    let box = this.boxes.get(spot.number);
    if (!box && place?.closed) this.boxes.set(spot.number, (box = drawnBox(place.closed, place.name)));
    box?.setAttribute("transform", `translate(${number(margin + spot.left)} ${number(margin + spot.start)})`);
    return box;
  }

  private frameOf(opened: Opened, spot: Spot): SVGGElement {
    const { margin } = this.graph.measures;
    const name = this.graph.places[spot.number]?.name ?? null;
    return drawnFrame(opened, name, spot, margin + spot.left, margin + spot.start, this.graph.measures);
  }
}

type PlacedSpot = Spot & { placed: Place };

/** Something that is drawn: from where to where it stands, how it is made, and what stands in it. */
interface Item {
  extent: Slice;
  make: () => SVGElement[];
  inside?: Item[];
}

/** What there is of an item. */
interface Made {
  elements: SVGElement[];
  inside: Items | null;
}

/** Items of which those in sight are there. */
class Items {
  private readonly there = new Map<Item, Made>();

  constructor(
    private readonly place: SVGElement,
    private readonly items: readonly Item[],
  ) {}

  /** Have what stands within a slice, and what is focused; nothing else. */
  see([top, bottom]: Slice): void {
    let next: SVGElement | null = null; // from the last one up, each before the one below it
    for (const item of [...this.items].reverse()) {
      const known = this.there.get(item);
      const seen = item.extent[1] >= top && item.extent[0] <= bottom;
      if (!seen && !known?.elements.some((element) => element.contains(document.activeElement))) {
        if (known) {
          for (const element of known.elements) element.remove();
          this.there.delete(item);
        }
        continue;
      }
      const own: Made = known ?? this.made(item, next);
      own.inside?.see([top, bottom]);
      next = own.elements[0] ?? next;
    }
  }

  private made(item: Item, next: SVGElement | null): Made {
    const elements = item.make();
    for (const element of elements) this.place.insertBefore(element, next);
    const [frame] = elements;
    const own = { elements, inside: item.inside && frame ? new Items(frame, item.inside) : null };
    this.there.set(item, own);
    return own;
  }
}

/** A picture as an element, of which, if it has many boxes, only what is in sight is there. */
export class Drawing {
  readonly large: boolean;
  private readonly layers: Items[];
  private from: Slice = [NaN, NaN];

  constructor(
    readonly svg: SVGSVGElement,
    layers: Item[][],
    boxes: number,
  ) {
    this.large = boxes > MANY;
    this.layers = layers.map((items) => {
      const place = s("g");
      svg.append(place);
      return new Items(place, items);
    });
    if (!this.large) this.have([-Infinity, Infinity]);
  }

  /** Have at least what stands within a slice. */
  see([top, bottom]: Slice): void {
    const [from, to] = this.from;
    if (!this.large || (from <= top && to >= bottom)) return;
    const more = bottom - top;
    this.have([top - more, bottom + more]);
  }

  private have(slice: Slice): void {
    this.from = slice;
    for (const items of this.layers) items.see(slice);
  }
}

function closedOf(spot: Spot): Closed {
  return spot.placed.closed as Closed;
}

/** A layer with its rows, or a folded group, which a button unfolds. */
function drawnBox(closed: Closed, group: string | null): SVGGElement {
  return s(
    "g",
    {},
    closed.behind.map((box) => drawnRect(box)),
    closed.faces.map((face) =>
      s(
        "g",
        {
          "data-key": face.key,
          ...(group === null ? { role: "group" } : { "data-group": group, role: "button", tabindex: 0, "aria-expanded": "false" }),
        },
        s("title", {}, face.title),
        face.boxes.map((box) => drawnRect(box)),
        face.texts.map((text) => drawnText(text)),
      ),
    ),
    closed.over.map((text) => drawnText(text)),
  );
}

/** A frame, in which its inside is put; the edge of a group's is a button that folds it. */
function drawnFrame(
  opened: Opened,
  group: string | null,
  spot: Spot,
  x: number,
  y: number,
  { pad }: Measures,
): SVGGElement {
  const { across, crowded } = spot;
  const [whole, short] = opened[crowded ? "crowded" : "titled"].texts;
  const badge = crowded ? null : opened.badge;
  const text = whole && whole.wide <= spot.axis - 2 * pad ? whole : (short ?? whole);
  const texts = [text, badge && { ...badge, x: badge.x + across }].filter((each) => !!each);
  const button = group === null ? {} : { "data-group": group, role: "button", tabindex: 0, "aria-expanded": "true" };
  return s(
    "g",
    { role: "group", "aria-label": opened.title, "data-key": opened.key || null },
    s(
      "g",
      { class: "edge", ...button, transform: `translate(${number(x)} ${number(y)})` },
      s("title", {}, opened.title),
      drawnRect({ x: 0, y: 0, width: across, height: spot.along - spot.spare, role: opened.role, radius: FRAME_RADIUS }),
      texts.map((each) => drawnText(each)),
    ),
  );
}

function drawnRect(box: Box): SVGRectElement {
  return s("rect", {
    class: classOf(box.role),
    x: number(box.x),
    y: number(box.y),
    width: number(box.width),
    height: number(box.height),
    rx: box.radius ? number(box.radius) : null,
  });
}

function drawnText(text: Text): SVGTextElement {
  return s(
    "text",
    {
      class: classOf(text.role),
      x: number(text.x),
      y: number(text.y),
      "font-size": number(text.size),
      textLength: number(text.wide),
      "text-anchor": text.anchor === "start" ? null : text.anchor,
      "font-weight": text.bold ? 600 : null,
    },
    text.text,
  );
}

/** A line, with a head where it comes to a box. */
function drawnLine(line: Line, margin: number): SVGPathElement[] {
  const fault = line.target !== null && closedOf(line.target).fault;
  const points = line.points.map(([along, across]): Point => [margin + across, margin + along]);
  return drawnPath(points, fault ? "fault line" : line.bow ? "skip" : "line", line.target !== null, closedOf(line.source).made.text, RADIUS);
}

function drawnPath(points: Point[], role: string, arrow: boolean, title: string, radius: number): SVGPathElement[] {
  const [head, rest] = arrow ? headed(points) : [null, points];
  const path = s("path", { class: classOf(role), d: rounded(rest, radius) }, title ? s("title", {}, title) : null);
  return head ? [path, s("path", { class: `${classOf(role)} head`, d: `${rounded(head, 0)}Z` })] : [path];
}

/** The shape of what a box makes, on its line, and the arrow that leaves the network. */
function made(spot: Spot, faulty: boolean, { margin, shadow, arrow }: Measures): SVGElement[] {
  const closed = closedOf(spot);
  if (!closed.leaves && !closed.labelled) return [];
  const outer = outermost(spot);
  const x = margin + spot.middle;
  const y = margin + outer.end + (spot === outer && spot.placed.rounds > 1 ? shadow : 0);
  const fault = !closed.leaves && (faulty || (closed.unknown && closed.fault));
  const text = drawnText({ ...closed.made, x: closed.made.x + x, y: closed.made.y + y, role: fault ? "fault text" : closed.made.role });
  return closed.leaves ? [...drawnPath([[x, margin + spot.end], [x, y + arrow]], "line", true, closed.made.text, 0), text] : [text];
}

/** The shape of what comes into a box with an error from its side. */
function entering(line: Line, margin: number): SVGElement[] {
  const end = line.points.at(-1);
  const text = closedOf(line.source).enters;
  return end ? [drawnText({ ...text, x: text.x + margin + end[1], y: text.y + margin + end[0] })] : [];
}

function classOf(role: string): string {
  return role.replaceAll(" ", "-");
}

/** A number with at most two decimals, and no more than it needs. */
export function number(value: number): string {
  return String(Number(value.toFixed(2)));
}

/** The head of an arrow as a triangle, and the line that ends where it starts. */
function headed(points: Point[]): [Point[], Point[]] {
  const [x, y] = points.at(-1) ?? [0, 0];
  const [beforeX, beforeY] = points.at(-2) ?? [0, 0];
  const long = Math.hypot(x - beforeX, y - beforeY) || 1;
  const [right, down] = [(x - beforeX) / long, (y - beforeY) / long];
  const base: Point = [x - HEAD * right, y - HEAD * down];
  const half = HEAD * 0.45;
  return [
    [[x, y], [base[0] - half * down, base[1] + half * right], [base[0] + half * down, base[1] - half * right]],
    [...points.slice(0, -1), base],
  ];
}

/** The data of a path through points, with corners of a radius where there is room for it. */
export function rounded(points: Point[], radius: number): string {
  const at = ([x, y]: Point): string => `${number(x)} ${number(y)}`;
  return points
    .map((here, index) => {
      const [before, after] = [points[index - 1], points[index + 1]];
      if (!before) return `M${at(here)}`;
      if (!after || !radius) return `L${at(here)}`;
      return `L${at(towards(here, before, radius))}Q${at(here)} ${at(towards(here, after, radius))}`;
    })
    .join("");
}

/** The point so far from `start`, or half-way where `end` is nearer than twice that. */
function towards(start: Point, end: Point, far: number): Point {
  const long = Math.hypot(end[0] - start[0], end[1] - start[1]) || 1;
  const part = Math.min(far, long / 2) / long;
  return [start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part];
}
