import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { bothBytes, grouped, mebibytes, megabytes, scaled } from "../src/numbers";

interface Row {
  value: string;
  grouped: string;
  scaled: string;
  megabytes: string;
  mebibytes: string;
  both_bytes: string;
}

// Python writes these: tests/formats/test_web.py.
const ROWS = JSON.parse(readFileSync("test/numbers.json", "utf8")) as Row[];

test("numbers are written as in Python", () => {
  for (const row of ROWS) {
    const big = BigInt(row.value);
    const value = big <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(big) : big;
    assert.equal(grouped(value), row.grouped);
    assert.equal(scaled(value), row.scaled, row.value);
    assert.equal(megabytes(value), row.megabytes, row.value);
    assert.equal(mebibytes(value), row.mebibytes, row.value);
    assert.equal(bothBytes(value), row.both_bytes, row.value);
  }
});
