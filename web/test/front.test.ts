import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Front, sides, type Raw } from "../src/front";
import { nextSort, ordered } from "../src/sorting";
import { frontForm } from "../src/sweepstate";

/** Pages, and the cells of their tables: tests/formats/test_web.py writes this file. */
const CASES = JSON.parse(readFileSync("test/front.json", "utf8")) as { what: string; data: Raw; tables: string[][][]; designs: number[][] }[];

for (const { what, data, tables, designs } of CASES) {
  const front = new Front(data);

  test(`cells are those that the commands print: ${what}`, () => {
    assert.equal(front.tables.length, tables.length);
    front.tables.forEach((table, at) => {
      const columns = table.merged ? [...front.columns, front.count] : front.columns;
      const cells = table.networks.map((network) => columns.map((column) => column.text(network)));
      assert.deepEqual(cells, tables[at]);
      assert.deepEqual(table.networks.map((network) => front.designs[network]), designs[at]);
      for (const [place, column] of columns.entries()) {
        const longest = Math.max(...cells.map((row) => row[place]?.length ?? 0));
        assert.ok(longest <= Math.max(...column.widest().map((text) => text.length)), column.title);
      }
    });
  });

  test(`numbers are sorted as such: ${what}`, () => {
    const all = front.designs.map((_, network) => network);
    for (const column of front.columns) {
      const keys = ordered(all, column.name, (network) => column.key(network)).map((network) => column.key(network));
      const back = ordered(all, `-${column.name}`, (network) => column.key(network)).map((network) => column.key(network));
      keys.slice(1).forEach((key, at) => { assert.ok(key !== null && (keys[at] ?? 0) <= key, column.name); });
      assert.deepEqual(back, [...keys].reverse(), column.name);
    }
  });

  test(`every goal has its values, between the first and the last number along its side: ${what}`, () => {
    for (const goal of front.goals) {
      const [first, last] = [goal.ticks[0]?.[0] ?? NaN, goal.ticks.at(-1)?.[0] ?? NaN];
      for (const network of front.designs.keys()) assert.ok(first <= goal.value(network) && goal.value(network) <= last);
    }
  });

  test(`a network is found by its first design, and by nothing else: ${what}`, () => {
    front.designs.forEach((design, network) => { assert.equal(front.network(String(design)), network); });
    for (const none of ["", "-1", "x", "1e1", " 0", "99999999", "__proto__"]) assert.equal(front.network(none), -1);
  });
}

test("facts are the axes, the goals, and how many designs give a network", () => {
  const [first] = CASES;
  assert.ok(first);
  const front = new Front(first.data);
  const titles = front.facts(0).map(([title]) => title);
  assert.deepEqual(titles, ["width", "input", "MACs", "Activations", "Parameters", "Designs"]);
});

test("any two goals stand along the sides, and never one along both", () => {
  const [first] = CASES;
  assert.ok(first);
  const { goals } = new Front(first.data);
  const shown = (across: string, up: string): string[] => sides(goals, { across, up }).map(({ name }) => name);
  assert.deepEqual(shown("", ""), ["macs", "activations"]);
  assert.deepEqual(shown("parameters", "macs"), ["parameters", "macs"]);
  assert.deepEqual(shown("", "macs"), ["activations", "macs"]);
  assert.deepEqual(shown("parameters", "parameters"), ["parameters", "macs"]);
  assert.deepEqual(shown("constructor", "wibble"), ["macs", "activations"]);
});

test("a fragment says what is chosen on the page of a sweep, and nothing else", () => {
  const form = frontForm(["macs", "width"]);
  const fragment = "design=12&sort=-macs&best=width&across=macs&up=memory&theme=dark";
  assert.equal(form.written(form.read(`#${fragment}`)), fragment);
  assert.equal(form.written(form.read("#sort=wibble&best=--macs&nothing&%")), "");
});

test("a head that is pressed sorts one way, the other, and as at first", () => {
  assert.deepEqual(["", "-macs", "macs", "width"].map((now) => nextSort(now, "macs", true)), ["-macs", "macs", "", "-macs"]);
  assert.deepEqual(["", "name", "-name"].map((now) => nextSort(now, "name", false)), ["name", "-name", ""]);
});
