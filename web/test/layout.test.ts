import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Picture, type Foldable } from "../src/picture";

interface Combination {
  expand: string[];
  /** By name, where a box or a frame is, and how large: x, y, width, height. */
  parts: Record<string, number[]>;
  /** Corners of lines, x and y in turns. */
  lines: number[][];
  size: number[];
}

interface Case {
  what: string;
  graph: Foldable;
  combinations: Combination[];
}

// Python writes these, and others when it tries the whole zoo: tests/formats/test_folding.py.
const CASES = JSON.parse(readFileSync(process.env.CONVCALC_LAYOUTS ?? "test/layout.json", "utf8")) as Case[];

/** Three decimals are written, and more than that is another place. */
const NEAR = 0.002;

function isNear(told: number[], expected: number[], by: number): boolean {
  return told.length === expected.length && told.every((value, index) => Math.abs(value - (expected[index] ?? NaN)) < by);
}

function near(told: number[], expected: number[], what: string, by = NEAR): void {
  assert.ok(isNear(told, expected, by), `${what}: ${told.join(" ")}, not ${expected.join(" ")}`);
}

/** The same lines, in any order. */
function sameLines(told: number[][], expected: number[][], what: string): void {
  const left = [...expected];
  for (const line of told) {
    const at = left.findIndex((other) => isNear(line, other, NEAR));
    assert.ok(at >= 0, `${what}: Python has no line through ${line.join(" ")}`);
    left.splice(at, 1);
  }
  assert.deepEqual(left, [], what);
}

function stands(picture: Picture, expand: string[]): Omit<Combination, "expand"> {
  const { measures, places } = picture.graph;
  const { margin } = measures;
  const layout = picture.layout({ depth: 1, expand: new Set(expand), collapse: new Set() });
  const parts: Record<string, number[]> = {};
  for (const spot of layout.runs.flatMap((run) => run.spots)) {
    const place = places[spot.number];
    const key = spot.frame ? place?.opened?.key : place?.closed?.faces[0]?.key;
    if (spot.isSplit || !key) continue;
    parts[key] = [margin + spot.left, margin + spot.start, spot.across, spot.along - spot.spare];
  }
  const lines = layout.lines.map(({ points }) => points.flatMap(([along, across]) => [margin + across, margin + along]));
  return { parts, lines, size: picture.paper(layout) };
}

for (const { what, graph, combinations } of CASES) {
  test(`everything stands where Python has it: ${what}`, () => {
    const picture = new Picture(graph, what, "picture");
    for (const { expand, ...expected } of combinations) {
      const told = stands(picture, expand);
      const open = `${what}, with ${expand.join(", ") || "nothing"} open`;
      assert.deepEqual(Object.keys(told.parts).sort(), Object.keys(expected.parts).sort(), open);
      for (const [key, part] of Object.entries(told.parts)) near(part, expected.parts[key] ?? [], `${key} of ${open}`);
      sameLines(told.lines, expected.lines, `lines of ${open}`);
      near(told.size, expected.size, `size of ${open}`, 0.01); // which is written with two decimals
    }
  });
}
