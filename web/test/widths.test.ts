import assert from "node:assert/strict";
import { test } from "node:test";

import { leftOut, widthOf } from "../src/widths";

test("a column is as wide as its longest number", () => {
  assert.equal(widthOf(["0", "618,475,290,624", "?"], 10), 15 * 10 + 24);
  assert.equal(widthOf([], 10), 24);
});

test("the sign between extents is wider than a digit", () => {
  assert.equal(widthOf(["512×512×64"], 10), 108 + 24);
});

test("so many columns are left out that there is room for the others", () => {
  const widths = { name: 100, kind: 50, macs: 80, memory: 60 };
  assert.deepEqual(leftOut(widths, ["kind", "macs"], 290), []);
  assert.deepEqual(leftOut(widths, ["kind", "macs"], 289), ["kind"]);
  assert.deepEqual(leftOut(widths, ["kind", "macs"], 240), ["kind"]);
  assert.deepEqual(leftOut(widths, ["kind", "macs"], 10), ["kind", "macs"]);
});
