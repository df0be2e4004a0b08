import assert from "node:assert/strict";
import { test } from "node:test";

import { read, written } from "../src/state";

test("a fragment says what is not as at first, and nothing else", () => {
  assert.equal(written(read("")), "");
  const fragment = "network=1&layer=stage1.conv1&sort=-macs&find=conv+3%C3%973&fold=all&toggle=a&toggle=b";
  assert.equal(written(read(`#${fragment}`)), fragment);
});

test("a fragment of anything is a state", () => {
  assert.equal(read("#network=-1").network, 0);
  assert.equal(read("#network=x&nothing&=&%").network, 0);
  assert.equal(read("#layer=%E0%A4%A").network, 0);
});

test("what there is not to sort by is as at first", () => {
  for (const sort of ["wibble", "-wibble", "-", "--macs", "constructor"]) assert.equal(read(`#sort=${sort}`).sort, "");
  for (const sort of ["macs", "-macs"]) assert.equal(read(`#sort=${sort}`).sort, sort);
});
