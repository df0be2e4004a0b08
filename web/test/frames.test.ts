import assert from "node:assert/strict";
import { test } from "node:test";

import { extents, filter, key, place, readers, slices, written, type Frame } from "../src/frames";

function frame(at: number[], places: number[]): Frame {
  const terms = places.map((column, tap) => ({ at: [0, column], value: column, weight: [0, tap], factor: tap + 1, product: column * (tap + 1) }));
  return { at, terms, added: {}, said: "", value: 0, winner: null };
}

test("a place along one axis stands in row 0", () => {
  assert.deepEqual(place([2, 5]), { channel: 2, depth: 0, row: 0, column: 5 });
  assert.deepEqual(place([2, 5, 7]), { channel: 2, depth: 0, row: 5, column: 7 });
  assert.deepEqual(place([2, 3, 5, 7]), { channel: 2, depth: 3, row: 5, column: 7 });
  assert.equal(key([1, -1]), "1,0,0,-1");
});

test("a channel is slices of rows along any number of axes", () => {
  assert.deepEqual(slices([1, 2]), [[[1, 2]]]);
  assert.deepEqual(slices([[1], [2]]), [[[1], [2]]]);
  assert.deepEqual(slices([[[1, 2]], [[3, 4]]]), [[[1, 2]], [[3, 4]]]);
});

test("a value goes into the outputs whose windows lie on it", () => {
  const frames = [frame([0, 0], [-1, 0, 1]), frame([0, 1], [1, 2, 3])];
  assert.deepEqual(readers(frames).get("0,0,0,1"), [0, 1]);
  assert.deepEqual(readers(frames).get("0,0,0,3"), [1]);
});

test("a filter is put together of all windows of its channel", () => {
  const frames = [frame([0, 0], [0]), frame([0, 1], [1, 2]), frame([1, 0], [0, 1, 2])];
  assert.deepEqual([...filter(frames, 0)], [["0,0,0,0", 1], ["0,0,0,1", 2]]);
  assert.deepEqual(extents(filter(frames, 1).keys()), { channels: 1, depths: 1, rows: 1, columns: 3 });
});

test("numbers are written as convcalc writes them", () => {
  assert.equal(written(-0.123456789), "−0.123457");
  assert.equal(written(4), "4");
  assert.equal(written(-Infinity), "−∞");
});
