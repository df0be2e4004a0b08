import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { part, unpacked, values, type Packed } from "../src/columns";

interface Case {
  what: string;
  values: unknown[];
  packed: Packed;
}

// Python writes these, and reads them back: tests/formats/test_web.py.
const CASES = JSON.parse(readFileSync("test/columns.json", "utf8")) as Case[];

for (const one of CASES) {
  test(`what Python packs is unpacked: ${one.what}`, () => {
    assert.deepEqual(values(unpacked(one.packed)), one.values);
  });
}

test("whole numbers keep every digit", () => {
  const column = unpacked({ is: "digits", values: ["9007199254740993", "7", null] });
  assert.deepEqual(values(column), [9007199254740993n, 7, null]);
});

test("names are those of the list beside", () => {
  const column = unpacked({ is: "named", at: { is: "values", values: [1, null, 0] } }, ["a", "b"]);
  assert.deepEqual(values(column), ["b", null, "a"]);
});

test("a field of objects is read by itself", () => {
  const packed: Packed = {
    is: "objects",
    length: 2,
    fields: { name: { is: "values", values: ["a", "b"] } },
    some: {},
  };
  assert.deepEqual(values(unpacked(part(packed, "name"))), ["a", "b"]);
  assert.throws(() => part(packed, "names"), /no field names/);
});
