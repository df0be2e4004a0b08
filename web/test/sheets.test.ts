import assert from "node:assert/strict";
import { test } from "node:test";

import { slices, type Slice } from "../src/sheets";

/** So many boxes one below the other, each 30 high, with 10 between two. */
function stack(count: number): Slice[] {
  return Array.from({ length: count }, (_, at) => [10 + 40 * at, 40 + 40 * at]);
}

test("what fits on a sheet is whole", () => {
  assert.deepEqual(slices(410, 500, stack(10)), [[0, 410]]);
});

test("what does not is cut between two boxes, in parts as equal as it may be", () => {
  assert.deepEqual(slices(410, 300, stack(10)), [[0, 205], [205, 410]]);
  assert.deepEqual(slices(1210, 500, stack(30)), [[0, 405], [405, 805], [805, 1210]]);
});

test("no part is higher than a sheet, and all of the picture is on one", () => {
  for (const most of [45, 60, 123, 400]) {
    for (const count of [1, 7, 100]) {
      const height = 10 + 40 * count;
      const parts = slices(height, most, stack(count));
      assert.equal(parts[0]?.[0], 0);
      assert.equal(parts.at(-1)?.[1], height);
      parts.forEach(([top, bottom], at) => {
        assert.ok(bottom - top <= most && bottom > top);
        if (at) assert.equal(top, parts[at - 1]?.[1]);
        assert.ok(!stack(count).some(([from, to]) => from < top && top < to), `${top} is in a box`);
      });
    }
  }
});

test("the room between boxes is cut in before the small one below the name of a frame", () => {
  assert.deepEqual(slices(100, 65, [[0, 30], [44, 48], [50, 100]]), [[0, 37], [37, 100]]);
});

test("a box higher than a sheet is cut, and there is an end", () => {
  assert.deepEqual(slices(1000, 300, [[0, 1000]]), [[0, 300], [300, 600], [600, 900], [900, 1000]]);
});
