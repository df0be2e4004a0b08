// What is chosen on the page, kept in the fragment of its address, so that a link shows the same.

import { Kept } from "./kept";

/** Columns of the table, by each of which it may be sorted. */
export const COLUMNS = ["name", "kind", "hyperparameters", "output", "parameters", "macs", "receptive_field", "memory"];

export interface State {
  /** Which network. */
  network: number;
  /** Full name of the layer whose figures are shown. */
  layer: string;
  /** The column that the table is sorted by, "-" before it for the largest first. */
  sort: string;
  /** What the table is searched for. */
  find: string;
  /** What is folded: "all", "none", or what is at first. */
  fold: string;
  /** Groups of which that does not hold. */
  toggled: ReadonlySet<string>;
  /** How deep groups are open in the graph; empty for as deep as it is at first. */
  depth: string;
  /** Groups of the graph that are open whatever that says. */
  expand: ReadonlySet<string>;
  /** Groups of the graph that are folded whatever that says. */
  collapse: ReadonlySet<string>;
  /** What charts by layer show. */
  measure: string;
  /** The run whose memory is shown. */
  run: string;
  /** "light", "dark", or as the system has it. */
  theme: string;
}

const FIRST: State = {
  network: 0,
  layer: "",
  sort: "",
  find: "",
  fold: "",
  toggled: new Set(),
  depth: "",
  expand: new Set(),
  collapse: new Set(),
  measure: "parameters",
  run: "training",
  theme: "",
};

/** A fragment as a state; what it does not say is as at first. */
export function read(fragment: string): State {
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  const text = (name: string, first: string): string => given.get(name) ?? first;
  const sort = text("sort", FIRST.sort);
  const network = Number.parseInt(text("network", "0"), 10);
  return {
    network: Number.isInteger(network) && network >= 0 ? network : 0,
    layer: text("layer", FIRST.layer),
    sort: COLUMNS.includes(sort.replace(/^-/, "")) ? sort : FIRST.sort,
    find: text("find", FIRST.find),
    fold: text("fold", FIRST.fold),
    toggled: new Set(given.getAll("toggle")),
    depth: text("depth", FIRST.depth),
    expand: new Set(given.getAll("expand")),
    collapse: new Set(given.getAll("collapse")),
    measure: text("measure", FIRST.measure),
    run: text("run", FIRST.run),
    theme: text("theme", FIRST.theme),
  };
}

/** A state as a fragment, which has only what is not as at first. */
export function written(state: State): string {
  const said = new URLSearchParams();
  if (state.network) said.set("network", String(state.network));
  for (const name of ["layer", "sort", "find", "fold", "depth", "measure", "run", "theme"] as const) {
    if (state[name] !== FIRST[name]) said.set(name, state[name]);
  }
  for (const name of state.toggled) said.append("toggle", name);
  for (const name of ["expand", "collapse"] as const) {
    for (const group of state[name]) said.append(name, group);
  }
  return said.toString();
}

/** The state of a report; a layer that is chosen can be gone back from. */
export class Store extends Kept<State> {
  constructor() {
    super({ read, written }, "layer");
  }
}
