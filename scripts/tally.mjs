// Counts what a ring's runner reported and writes the names of the tests that passed.
// usage: node scripts/tally.mjs cargo|check|vitest|playwright RINGS_FOLDER RING_NAME
// prints "PASSED FAILED SKIPPED"; writes RINGS_FOLDER/RING_NAME.txt, one executed test a line.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [format, folder, name] = process.argv.slice(2);
const read = (end) => {
  const path = join(folder, `${name}.${end}`);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
};

/** libtest prints `test NAME ... ok` for each test and one `test result:` line for each binary. */
function cargo() {
  const log = read("log");
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const [, passed, failed, ignored] of log.matchAll(
    /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/gm,
  )) {
    total.passed += Number(passed);
    total.failed += Number(failed);
    total.skipped += Number(ignored);
  }
  // A test that finds out while it runs that it cannot run here writes `skipped NAME: why` and passes for libtest.
  const skipped = new Set([...log.matchAll(/^skipped (\S+): /gm)].map((m) => m[1]));
  total.passed -= skipped.size;
  total.skipped += skipped.size;
  const titles = [...log.matchAll(/^test (.+?)(?: - should panic)? \.\.\. ok$/gm)].map((m) => m[1]);
  return { ...total, titles: titles.filter((title) => !skipped.has(title)) };
}

/** Our own lines: `check NAME ... ok` or `... FAILED`, and `skipped NAME: why`. */
function check() {
  const lines = [...read("log").matchAll(/^check (\S+) \.\.\. (ok|FAILED)$/gm)];
  const titles = lines.filter((m) => m[2] === "ok").map((m) => m[1]);
  const skipped = [...read("log").matchAll(/^skipped (\S+): /gm)].length;
  return { passed: titles.length, failed: lines.length - titles.length, skipped, titles };
}

function vitest() {
  const report = JSON.parse(read("json") || "{}");
  const tests = (report.testResults ?? []).flatMap((file) => file.assertionResults);
  const titles = tests.filter((t) => t.status === "passed").map((t) => t.title);
  // A file that cannot be loaded fails without a test of its own.
  const broken = (report.testResults ?? []).filter(
    (file) => file.status === "failed" && !file.assertionResults.some((t) => t.status === "failed"),
  );
  return {
    passed: titles.length,
    failed: tests.filter((t) => t.status === "failed").length + broken.length,
    skipped: tests.filter((t) => !["passed", "failed"].includes(t.status)).length,
    titles,
  };
}

function playwright() {
  const report = JSON.parse(read("json") || "{}");
  const specs = [];
  const walk = (suite) => {
    specs.push(...(suite.specs ?? []));
    (suite.suites ?? []).forEach(walk);
  };
  (report.suites ?? []).forEach(walk);
  const outcomes = specs.flatMap((spec) =>
    spec.tests.map((test) => ({ title: spec.title, status: test.status })),
  );
  const titles = outcomes.filter((t) => t.status === "expected").map((t) => t.title);
  return {
    passed: titles.length,
    // "flaky" passed on a second try only; we want to know, so it is a failure.
    failed: outcomes.filter((t) => ["unexpected", "flaky"].includes(t.status)).length,
    skipped: outcomes.filter((t) => t.status === "skipped").length,
    titles,
  };
}

const formats = { cargo, check, vitest, playwright };
const { passed, failed, skipped, titles } = formats[format]();
writeFileSync(join(folder, `${name}.txt`), titles.map((title) => `${title}\n`).join(""));
console.log(passed, failed, skipped);
