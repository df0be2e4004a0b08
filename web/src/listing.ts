// Which rows the table of layers shows: the tree with some groups folded, or layers found and sorted.

import type { Group, Network } from "./data";
import { ordered, type Key } from "./sorting";
import type { State } from "./state";

/** One row: a layer by its number, or a group by its own. */
export interface Entry {
  layer: number;
  group: number;
  level: number;
  label: string;
  says: string;
  folded: boolean;
}

/** Rows up to which nothing is folded at first. */
const SHORT = 60;
/** Rows up to which paper has all that was folded for the screen alone: some forty sheets. */
const PRINTED = 2000;

/** The groups that are folded at first: the outermost level that leaves few rows. */
export function foldedAtFirst(network: Network): Set<string> {
  if (network.rows.length <= SHORT) return new Set();
  const levels = new Map<number, number>();
  const shown = new Map<number, number>();
  const groups: [number, Group][] = [];
  for (let index = 0; index < network.rows.length; index++) {
    const row = network.rows.at(index);
    shown.set(row.level, (shown.get(row.level) ?? 0) + 1);
    const group = row.heading ? network.groups[row.at] : undefined;
    if (group) groups.push([row.level, group]);
    levels.set(row.level, row.level);
  }
  let rows = 0;
  let depth = 0;
  for (const level of [...levels.keys()].sort((one, other) => one - other)) {
    rows += shown.get(level) ?? 0;
    if (rows > SHORT) break;
    depth = level;
  }
  return new Set(groups.filter(([level]) => level >= depth).map(([, group]) => group.name));
}

/** Whether a group is folded. */
export function isFolded(name: string, first: ReadonlySet<string>, state: State): boolean {
  const folded = state.fold === "all" || (state.fold !== "none" && first.has(name));
  return folded !== state.toggled.has(name);
}

/** The rows to show. */
export function entries(network: Network, first: ReadonlySet<string>, state: State): Entry[] {
  return state.sort || state.find.trim() ? flat(network, state) : tree(network, first, state);
}

/** The rows on paper: open is what was folded at first, because a screen is small. */
export function printedEntries(network: Network, first: ReadonlySet<string>, state: State): Entry[] {
  if (state.fold || network.rows.length > PRINTED) return entries(network, first, state);
  const toggled = new Set([...state.toggled].filter((name) => !first.has(name)));
  return entries(network, new Set(), { ...state, toggled });
}

function tree(network: Network, first: ReadonlySet<string>, state: State): Entry[] {
  const listed: Entry[] = [];
  let hidden = Infinity;
  for (let index = 0; index < network.rows.length; index++) {
    const row = network.rows.at(index);
    if (row.level > hidden) continue;
    hidden = Infinity;
    const group = row.heading ? network.groups[row.at] : undefined;
    const folded = group !== undefined && isFolded(group.name, first, state);
    if (folded) hidden = row.level;
    listed.push({
      layer: group ? -1 : row.at,
      group: group ? row.at : -1,
      level: row.level,
      label: row.label,
      says: row.says,
      folded,
    });
  }
  return listed;
}

function flat(network: Network, state: State): Entry[] {
  const words = state.find.toLowerCase().split(/\s+/).filter(Boolean);
  const listed: Entry[] = [];
  for (let index = 0; index < network.rows.length; index++) {
    const row = network.rows.at(index);
    if (row.heading) continue;
    const name = network.names[row.at] ?? "";
    const text = `${name} ${network.kinds[row.at] ?? ""} ${row.says} ${network.outputsOfLayers[row.at] ?? ""}`;
    if (words.every((word) => has(text.toLowerCase(), word))) {
      listed.push({ layer: row.at, group: -1, level: 0, label: name, says: row.says, folded: false });
    }
  }
  return sorted(network, listed, state.sort);
}

/** Whether a word is in a text; extents may have the letter between them that specs have there. */
function has(text: string, word: string): boolean {
  return text.includes(word) || text.includes(word.replace(/(?<=\d)x(?=\d)/g, "×"));
}

function sorted(network: Network, listed: Entry[], sort: string): Entry[] {
  const value = VALUES[sort.replace(/^-/, "")];
  if (!value) return listed;
  return ordered(listed, sort, (entry) => value(network, entry));
}

/** Column → what it is sorted by. */
const VALUES: Record<string, (network: Network, entry: Entry) => Key> = {
  name: (_, entry) => entry.layer,
  kind: (network, entry) => network.kinds[entry.layer] ?? null,
  hyperparameters: (_, entry) => entry.says,
  output: (network, entry) => {
    const shape = network.layers.at(entry.layer).output;
    return shape ? shape.spatial.reduce((size, extent) => size * extent, shape.channels) : null;
  },
  parameters: (network, entry) => network.parameters[entry.layer] ?? null,
  macs: (network, entry) => network.macs[entry.layer] ?? null,
  receptive_field: (network, entry) => {
    const sizes = /\d+/.exec(network.fieldsOfLayers[entry.layer] ?? "");
    return sizes ? Number(sizes[0]) : null;
  },
  memory: (network, entry) => network.memory[entry.layer] ?? null,
};

/** The groups around a layer, outer before inner. */
export function around(network: Network, layer: number): Group[] {
  return network.groups.filter((group) => group.start <= layer && layer < group.stop);
}
