// What the page of a sweep shows: networks in columns, as convcalc/formats/sweep/html.py packs them.

import { unpacked, values, type Column, type Packed } from "./columns";
import { grouped, megabytes, scaled, type Count } from "./numbers";
import type { Key } from "./sorting";

export interface RawColumn {
  name: string;
  title: string;
  says: string;
  is: "axis" | "count" | "scaled" | "bytes" | "text";
  /** Of an axis: its values, the least first, and between which of them each network has it. */
  words?: string[];
  least?: Packed;
  greatest?: Packed;
  /** Of anything else: the values, and those that are no counts as text. */
  values?: Packed;
  texts?: Packed;
}

export interface RawGoal {
  name: string;
  title: string;
  most: boolean;
  ticks: [number, string][];
  /** Which column has its values; where none has, they are here. */
  column: number | null;
  values: Packed | null;
}

export interface Raw {
  /** Of each network the number of its first design. */
  designs: Packed;
  /** How many designs give it. */
  count: Packed;
  /** So many of the first networks are on the front. */
  front: number;
  columns: RawColumn[];
  goals: RawGoal[];
  tables: { title: string; front: boolean; merged: boolean; at: Packed }[];
}

/** A column of the tables: what stands in it, and what it is sorted by. */
export interface Shown {
  readonly name: string;
  readonly title: string;
  readonly says: string;
  text(network: number): string;
  key(network: number): Key;
  /** Texts of which one is the widest of all. */
  widest(): string[];
}

/** What the front is of. */
export interface Goal {
  readonly name: string;
  readonly title: string;
  /** Whether more of it is better. */
  readonly most: boolean;
  /** Numbers that stand along its side, from the first to the last. */
  readonly ticks: readonly (readonly [number, string])[];
  value(network: number): number;
}

/** Some networks of the page, in order. */
export interface Listed {
  readonly title: string;
  readonly front: boolean;
  readonly merged: boolean;
  readonly networks: readonly number[];
}

/** Networks with the designs that give them. */
export class Front {
  /** By network, the number of its first design. */
  readonly designs: readonly number[];
  /** So many of the first networks are on the front. */
  readonly size: number;
  readonly columns: readonly Shown[];
  readonly goals: readonly Goal[];
  readonly tables: readonly Listed[];
  /** How many designs give a network. */
  readonly count: Shown;
  private readonly places: ReadonlyMap<number, number>;
  private readonly axes: readonly Shown[];
  /** Columns that no axis and no goal is. */
  private readonly named: readonly Shown[];

  constructor(raw: Raw) {
    this.designs = values(unpacked<number>(raw.designs));
    this.size = raw.front;
    this.columns = raw.columns.map((column) => shown(column));
    this.axes = this.columns.filter((_, at) => raw.columns[at]?.is === "axis");
    this.count = counted("designs", "Designs", "How many designs give this network.", unpacked<number>(raw.count), grouped);
    this.goals = raw.goals.map((goal) => ({
      ...goal,
      value: numbersOf(goal.values ?? raw.columns[goal.column ?? -1]?.values),
    }));
    this.named = raw.goals.flatMap((goal) => this.columns[goal.column ?? -1] ?? []);
    this.tables = raw.tables.map((table) => ({ ...table, networks: values(unpacked<number>(table.at)) }));
    this.places = new Map(this.designs.map((design, network) => [design, network]));
  }

  /** The network that a design gives, by the number of the first one that does; -1 for none. */
  network(design: string): number {
    return this.places.get(/^\d+$/.test(design) ? Number(design) : -1) ?? -1;
  }

  /** What a network is: its axes, its goals, and how many designs give it where that is not one. */
  facts(network: number): [string, string][] {
    const many = this.count.key(network) !== 1;
    return [...this.axes, ...this.named, ...(many ? [this.count] : [])].map((column) => [column.title, column.text(network)]);
  }
}

/** The goals that a state has along both sides: the first two, unless it says others. */
export function sides(goals: readonly Goal[], state: { across: string; up: string }): [Goal, Goal] {
  const named = (name: string): Goal | undefined => goals.find((goal) => goal.name === name);
  const across = named(state.across) ?? goals.find((goal) => goal.name !== state.up);
  const up = named(state.up) ?? goals.find((goal) => goal !== across);
  if (!across || !up) throw new Error("a front has two goals");
  return across === up ? [across, goals.find((goal) => goal !== across) ?? up] : [across, up];
}

function numbersOf(packed: Packed | undefined): (network: number) => number {
  const column = unpacked<Count>(packed ?? { is: "values", values: [] });
  return (network) => Number(column.at(network));
}

function shown(raw: RawColumn): Shown {
  const { name, title, says, is } = raw;
  if (is === "axis") return axis(raw);
  const column = unpacked<Count>(raw.values ?? { is: "values", values: [] });
  if (is !== "text") return counted(name, title, says, column, { count: grouped, scaled, bytes: megabytes }[is]);
  const texts = unpacked<string>(raw.texts ?? { is: "values", values: [] });
  return {
    name,
    title,
    says,
    text: (network) => texts.at(network),
    key: (network) => keyed(column.at(network)),
    widest: () => longest(new Set(values(texts))),
  };
}

function axis({ name, title, says, words = [], least, greatest }: RawColumn): Shown {
  const none: Packed = { is: "values", values: [] };
  const first = unpacked<number>(least ?? none);
  const last = unpacked<number>(greatest ?? none);
  const text = (network: number): string => {
    const [from, to] = [first.at(network), last.at(network)];
    return from === to ? (words[from] ?? "") : `${words[from] ?? ""}..${words[to] ?? ""}`;
  };
  return {
    name,
    title,
    says,
    text,
    key: (network) => first.at(network) + last.at(network) / words.length,
    widest: () => longest(new Set(Array.from({ length: first.length }, (_, network) => text(network)))),
  };
}

function counted(name: string, title: string, says: string, column: Column<Count>, written: (value: Count) => string): Shown {
  return {
    name,
    title,
    says,
    text: (network) => written(column.at(network)),
    key: (network) => column.at(network),
    widest: () => [written(values(column).reduce((most, value) => (value > most ? value : most), 0)), written === grouped ? "" : "999.99 MB"],
  };
}

/** What a value of any kind is sorted by. */
function keyed(value: unknown): Key {
  if (typeof value === "boolean") return Number(value);
  return typeof value === "number" || typeof value === "bigint" || typeof value === "string" ? value : null;
}

/** Some of the longest texts: letters are not equally wide. */
function longest(texts: ReadonlySet<string>): string[] {
  return [...texts].sort((one, other) => other.length - one.length).slice(0, 20);
}
