import assert from "node:assert/strict";
import { test } from "node:test";

import { circles, edge, every, Points } from "../src/scatter";

/** Numbers that look random and are the same each time: a linear congruential generator. */
function drawn(count: number, most: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * most);
  });
}

test("the nearest point is found, the first of equal ones, and none that is too far", () => {
  for (const [count, most] of [[1, 50], [40, 60], [500, 300]] as const) {
    const [xs, ys] = [drawn(count, most, 1), drawn(count, most, 2)];
    const points = new Points(xs, ys);
    const [as, bs] = [drawn(200, most + 40, 3), drawn(200, most + 40, 4)];
    as.forEach((a, at) => {
      const [x, y] = [a - 20, (bs[at] ?? 0) - 20];
      const far = xs.map((each, point) => (each - x) ** 2 + ((ys[point] ?? 0) - y) ** 2);
      const least = Math.min(...far);
      assert.equal(points.nearest(x, y, 14), least < 14 * 14 ? far.indexOf(least) : -1);
    });
  }
});

test("points at one place are counted", () => {
  const points = new Points([3, 3, 3.25, 3], [7, 7, 7, 8]);
  assert.deepEqual([0, 1, 2, 3].map((at) => points.together(at)), [2, 2, 1, 1]);
});

test("keys go through all points, to the right and upwards, and stay at the ends", () => {
  const [xs, ys] = [drawn(90, 12, 5), drawn(90, 12, 6)];
  const points = new Points(xs, ys);
  for (const [to, back, ends] of [["ArrowRight", "ArrowLeft", xs], ["ArrowUp", "ArrowDown", ys.map((y) => -y)]] as const) {
    let at = points.first;
    for (let step = 0; step < 90; step++) at = points.stepped(back, at) ?? -1;
    const seen = [at];
    for (let step = 1; step < 90; step++) seen.push((at = points.stepped(to, at) ?? -1));
    assert.equal(new Set(seen).size, 90);
    assert.deepEqual(seen.map((point) => ends[point]), [...ends].sort((a, b) => a - b));
    assert.equal(points.stepped(to, at), at);
  }
  assert.equal(points.first, points.stepped("Home", 17));
  assert.equal(points.rank(points.stepped("End", 17) ?? -1), 89);
  assert.equal(points.stepped("a", 17), undefined);
});

test("the line joins what no other point on the front is better than in both figures", () => {
  const [xs, ys] = [drawn(60, 15, 7), drawn(60, 15, 8)];
  for (const acrossMost of [false, true]) {
    for (const upMost of [false, true]) {
      const count = 50; // the others are not on the front
      const across = { most: acrossMost, value: (at: number): number => xs[at] ?? 0 };
      const up = { most: upMost, value: (at: number): number => ys[at] ?? 0 };
      const costs = xs.map((x, at): [number, number] => [acrossMost ? -x : x, upMost ? -(ys[at] ?? 0) : (ys[at] ?? 0)]);
      const better = ([a, b]: [number, number], [c, d]: [number, number]): boolean => a <= c && b <= d && (a < c || b < d);
      const some = costs.slice(0, count);
      const expected = some.filter((one) => !some.some((other) => better(other, one))).map(String);
      const found = edge(count, across, up);
      assert.deepEqual(new Set(found.map((at) => String(costs[at]))), new Set(expected));
      const line = found.map((at) => xs[at] ?? 0);
      assert.deepEqual(line, [...line].sort((a, b) => a - b));
      assert.equal(new Set(found.map((at) => String(costs[at]))).size, found.length);
    }
  }
});

test("points that look like one are drawn once", () => {
  const points = new Points([10, 10.1, 20, 10], [5, 5, 5, 5]);
  assert.equal(circles(points, 0, 4, 3).split("M").length - 1, 2);
  assert.equal(circles(points, 3, 4, 3), "M7 5a3 3 0 1 0 6 0a3 3 0 1 0 -6 0Z");
});

test("numbers along a side leave room for each other", () => {
  assert.equal(every([50, 60, 50], 130), 1);
  assert.equal(every([50, 60, 50], 100), 2);
  assert.equal(every([50], 100), 1);
});
