// What the page shows: the JSON of the commands, which convcalc/formats/web/data.py packs.

import { part, unpacked, values, type Column, type Packed } from "./columns";
import type { Count } from "./numbers";
import { Picture, type Foldable } from "./picture";

export interface Shape {
  channels: number;
  spatial: number[];
}

export interface Tensor {
  name: string;
  shape: Shape | null;
  layer?: string;
}

export interface FieldValue {
  size: number[];
  stride: number[];
  padding: number[];
  aligned: boolean;
  exact: boolean;
}

export interface Layer {
  name: string;
  kind: string;
  inputs: string[];
  line: number | null;
  hyperparameters: Record<string, unknown> | null;
  output: Shape | null;
  weights: Record<string, number[]>;
  buffer_shapes: Record<string, number[]>;
  shared_with: string | null;
  parameters: Count | null;
  buffers: Count | null;
  macs: Count | null;
  activations: Count | null;
  activation_bytes: Count | null;
  receptive_field: FieldValue | null;
  receptive_fields?: Record<string, FieldValue | null>;
  origin?: string;
}

export interface Totals {
  parameters: Count | null;
  buffers: Count | null;
  macs: Count | null;
  flops: Count | null;
  parameter_bytes: Count | null;
  buffer_bytes: Count | null;
  activations: Count | null;
  activation_bytes: Count | null;
  complete: boolean;
}

export interface Finding {
  code: string;
  severity: "error" | "warning" | "note";
  message: string;
  help: string | null;
  path: string;
  line: number | null;
  column: number | null;
  end_line: number | null;
  end_column: number | null;
  named?: string;
  layer: string | null;
  field: string | null;
  fix: { message: string } | null;
  related: { line: number | null; column: number | null; named?: string; message: string }[];
}

export interface Check {
  files: string[];
  promises_not_looked_at: number;
  diagnostics: Finding[];
  lines: string[];
  layers: string[];
}

export interface Moment {
  phase: "forward" | "backward" | "step";
  layer: string;
  bytes: Count;
}

export interface MemoryTotals extends Record<string, unknown> {
  peak: Count;
  peak_phase: string;
  peak_layer: string;
  at_peak: Record<string, Count>;
  peaks: Moment[];
  not_included: string[];
  inexact: { layer?: string; [name: string]: unknown }[];
}

export interface Alive {
  name: string;
  part: string;
  shape: number[];
  dtype: string;
  bytes: Count;
  layer: string;
  made: string | null;
  until: { phase: string; layer: string; again: boolean } | null;
}

export interface PeakChange {
  change: string;
  write: string;
  peak: Count;
  saved: Count;
}

export interface Run {
  refused: string[];
  memory: {
    terms: Record<string, unknown>;
    memory: MemoryTotals;
    layers: { name: string; output: Count; kept: Count; live: Count; live_backward: Count | null }[];
    timeline: Moment[];
  } | null;
  peak: { peak: { bytes: Count; phase: string; layer: string }; tensors: Alive[]; changes: PeakChange[]; left_out?: number } | null;
}

export interface Figure {
  part: string;
  of: string;
  formula: string;
  filled: string;
  value: Count | string | null;
  unit: string;
  note: string;
}

export interface Explained {
  name: string;
  does: string;
  letters: Record<string, number>;
  figures: Figure[];
  windows: Record<string, unknown>[];
  grouping: string | null;
  says: string[];
}

export interface Row {
  heading: boolean;
  at: number;
  label: string;
  level: number;
  says: string;
}

export interface Group {
  name: string;
  block: string;
  start: number;
  stop: number;
  output: string | null;
  parameters: Count | null;
  macs: Count | null;
  activation_bytes: Count | null;
}

export interface Change {
  status: "added" | "removed" | "changed" | "affected";
  hyperparameters: Record<string, [unknown, unknown]>;
  shared_with: [string | null, string | null] | null;
  inputs: [string[], string[]] | null;
  old: number | null;
  new: number | null;
}

export interface Changes {
  refused: string | null;
  totals: Record<string, { old: Count; new: Count; difference: Count; ratio: number | null }> | null;
  layers: Change[];
}

interface RawNetwork {
  names: Packed;
  column: Packed;
}

interface Raw {
  schema: number;
  networks: RawNetwork[];
  changes?: Packed[];
  rows?: Packed | null;
  check?: Check;
  definitions: Record<string, string>;
  columns: Record<string, [string, string]>;
  families: Record<string, string>;
}

/** A network: its figures as columns, and what is asked of one layer. */
export class Network {
  readonly name: string;
  readonly spec: string;
  readonly batch: number;
  readonly dtype: string;
  readonly inputs: Tensor[];
  readonly outputs: Tensor[];
  readonly totals: Totals;
  readonly layers: Column<Layer>;
  readonly names: string[];
  readonly kinds: string[];
  readonly parameters: (Count | null)[];
  readonly macs: (Count | null)[];
  readonly memory: (Count | null)[];
  readonly moved: (Count | null)[];
  readonly rows: Column<Row>;
  readonly groups: Group[];
  readonly check: Check;
  readonly runs: Record<"inference" | "training", Run>;
  readonly numbers: Map<string, number>;
  /** Its graph; null of one with too many boxes. */
  readonly picture: Picture | null;
  /** Names that columns have by their numbers: of inputs and layers. */
  private readonly known: string[];
  private readonly explained: Column<Explained> | null;
  private users: Map<string, number[]> | undefined;
  private outputTexts: string[] | undefined;
  private fieldTexts: string[] | undefined;

  constructor(
    readonly index: number,
    private readonly raw: RawNetwork,
  ) {
    this.known = values(unpacked<string>(raw.names));
    const of = (name: string): unknown => this.field("analyze", name).at(0);
    this.name = of("name") as string;
    this.spec = of("spec") as string;
    this.batch = of("batch") as number;
    this.dtype = of("dtype") as string;
    this.inputs = of("inputs") as Tensor[];
    this.outputs = of("outputs") as Tensor[];
    this.totals = of("totals") as Totals;
    this.layers = this.listed("analyze", "layers");
    this.names = this.ofLayers("name");
    this.kinds = this.ofLayers("kind");
    this.parameters = this.ofLayers("parameters");
    this.macs = this.ofLayers("macs");
    this.memory = this.ofLayers("activation_bytes");
    this.moved = this.field<(Count | null)[]>("moved").at(0);
    this.rows = this.listed("rows");
    this.groups = all(this.listed<Group>("groups"));
    this.check = this.field<Check>("check").at(0);
    this.runs = this.field<Record<"inference" | "training", Run>>("memory").at(0);
    const explained = part(raw.column, "explain").is === "objects";
    this.explained = explained ? this.listed("explain", "layers") : null;
    const graph = this.field<Foldable | null>("graph").at(0);
    this.picture = graph && new Picture(graph, this.name, `picture${index}`);
    this.numbers = new Map(this.names.map((name, number) => [name, number]));
  }

  private field<T>(...path: string[]): Column<T> {
    return unpacked<T>(part(this.raw.column, ...path), this.known);
  }

  /** The list that one object has, as a column. */
  private listed<T>(...path: string[]): Column<T> {
    const lists = part(this.raw.column, ...path);
    if (lists.is !== "lists") return { length: 0, at: () => fail(`${path.join(".")} is empty`) };
    return unpacked<T>(lists.items, this.known);
  }

  /** How a layer's figures come about; null where the page has no formulas. */
  explanation(layer: number): Explained | null {
    return this.explained?.at(layer) ?? null;
  }

  /** The layers that read another. */
  readers(name: string): number[] {
    if (this.users === undefined) {
      this.users = new Map();
      for (let number = 0; number < this.layers.length; number++) {
        for (const read of new Set(this.layers.at(number).inputs)) {
          const users = this.users.get(read);
          if (users) users.push(number);
          else this.users.set(read, [number]);
        }
      }
    }
    return this.users.get(name) ?? [];
  }

  /** The shapes that layers put out, as tables write them. */
  get outputsOfLayers(): string[] {
    return (this.outputTexts ??= this.ofLayers<Shape | null>("output").map(shapeText));
  }

  /** The receptive fields of layers, as tables write them. */
  get fieldsOfLayers(): string[] {
    return (this.fieldTexts ??= this.ofLayers<FieldValue | null>("receptive_field").map((field, number) =>
      field?.size.length ? textOf([field]) : fieldText(this.layers.at(number)),
    ));
  }

  /** One field of all layers, of which the others need not be read. */
  private ofLayers<T>(name: string): T[] {
    return this.layers.length ? all(this.field<T>("analyze", "layers", name)) : [];
  }
}

function all<T>(column: Column<T>): T[] {
  return Array.from({ length: column.length }, (_, index) => column.at(index));
}

function fail(message: string): never {
  throw new Error(message);
}

/** A shape as tables write it; ? where an error keeps it unknown. */
export function shapeText(shape: Shape | null): string {
  return shape === null ? "?" : [...shape.spatial, shape.channels].join("×");
}

/** The receptive field as tables write it. */
export function fieldText(layer: Layer): string {
  const several = layer.receptive_field === null && layer.receptive_fields;
  const fields = several ? Object.values(layer.receptive_fields ?? {}) : [layer.receptive_field];
  if (!fields.some((each) => each?.size.length)) return layer.output ? "–" : "?";
  return textOf(fields);
}

function textOf(fields: (FieldValue | null)[]): string {
  const texts = fields.map((each) =>
    !each?.size.length ? "–" : `${each.exact ? "" : "≤"}${each.size.join("×")}`,
  );
  const aligned = fields.every((each) => each?.aligned ?? true);
  return texts.join(" / ") + (aligned ? "" : "*");
}

/** All that a page has. */
export class Data {
  readonly networks: Network[];
  readonly changes: Changes[];
  readonly rows: (number | null)[][];
  readonly check: Check | null;

  constructor(private readonly raw: Raw) {
    this.networks = raw.networks.map((each, index) => new Network(index, each));
    this.changes = (raw.changes ?? []).map((packed) => unpacked<Changes>(packed).at(0));
    this.rows = raw.rows ? all(unpacked<(number | null)[]>(raw.rows)) : [];
    this.check = raw.check ?? null;
  }

  definition(name: string): string {
    return this.raw.definitions[name] ?? "";
  }

  column(name: string): [string, string] {
    return this.raw.columns[name] ?? [name, ""];
  }

  family(kind: string): string {
    return this.raw.families[kind] ?? "source";
  }
}

/** The data of this page. */
export function pageData(): Data {
  const element = document.getElementById("data");
  return new Data(JSON.parse(element?.textContent ?? "") as Raw);
}
