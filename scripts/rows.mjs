// `make rows`: which rows of the catalogue the tests of the last `make test` named, chapter by chapter.
// More detail: node scripts/rows.mjs IM PLAT … lists the rows of those chapters.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const target = process.env.CARGO_TARGET_DIR ?? "target";
const rings = join(target, "rings");
const wanted = new Set(process.argv.slice(2));

/** The rows a test's name begins with: "IM-i02 PLAT-i04 …" or `area::im_i02_plat_i04_…`. */
function rowsOf(title, known) {
  const words = title.split("::").pop().replaceAll(/[_ ]+/g, " ").trim().split(" ");
  const found = [];
  let at = 0;
  while (at < words.length) {
    // A chapter's code may hold a dash of its own: crm_cust_01, "CRM-CUST-01".
    const row = [1, 2, 3]
      .map((many) => ({ many, id: known.get(words.slice(at, at + many).join("-").toLowerCase()) }))
      .find((one) => one.id !== undefined);
    if (row === undefined) break;
    found.push(row.id);
    at += row.many;
  }
  return found;
}

const chapters = [];
for (const line of readFileSync("tests/rows.txt", "utf8").split("\n")) {
  const head = line.match(/^# ([A-Z-]+) (.*)$/);
  if (head) chapters.push({ code: head[1], title: head[2], rows: [] });
  const row = line.match(/^([A-Z-]+-i?\d+)\t(.*)$/);
  if (row) chapters.at(-1).rows.push({ id: row[1], title: row[2] });
}
const known = new Map(chapters.flatMap((c) => c.rows).map((row) => [row.id.toLowerCase(), row.id]));

const lists = existsSync(rings) ? readdirSync(rings).filter((file) => file.endsWith(".txt")) : [];
if (lists.length === 0) {
  console.error(`There is no list of executed tests in ${rings} yet: run make test first.`);
  process.exit(1);
}
const covered = new Map();
for (const file of lists) {
  for (const title of readFileSync(join(rings, file), "utf8").split("\n")) {
    for (const id of rowsOf(title, known)) covered.set(id, [...(covered.get(id) ?? []), title]);
  }
}

/** Rows whose tests leave something out, with what that is. */
const partial = new Map(
  readFileSync("tests/partial.txt", "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split("\t")),
);

let total = 0;
let parts = 0;
for (const { code, title, rows } of chapters) {
  const named = rows.filter((row) => covered.has(row.id));
  const done = named.filter((row) => !partial.has(row.id));
  total += done.length;
  parts += named.length - done.length;
  console.log(`${code.padEnd(9)} ${String(done.length).padStart(3)} of ${String(rows.length).padStart(3)}  ${title}`);
  if (!wanted.has(code)) continue;
  for (const row of rows) {
    const mark = !covered.has(row.id) ? "-" : partial.has(row.id) ? "~" : "+";
    const missing = mark === "~" ? ` (missing: ${partial.get(row.id)})` : "";
    console.log(`  ${mark} ${row.id.padEnd(14)} ${row.title}${missing}`);
  }
}
console.log(`${total} of ${known.size} rows have an executed test, ${parts} more for a part (${lists.join(", ")})`);
