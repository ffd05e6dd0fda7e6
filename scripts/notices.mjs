// Writes the licence notices of everything that is inside the binary to the standard output: each Rust package of
// the build for Linux and each npm package of the client, with its copyright and the text it comes with. `--names` writes only which
// packages those are.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const TARGET = "x86_64-unknown-linux-gnu";
const OURS = "gateway";
const WEB = "gateway/web";
/** Names of files that hold a licence, a copyright or what Apache-2.0 calls a notice. */
const TEXTS = /^(licen[cs]e|copying|copyright|notice|unlicen[cs]e)([-._].*)?$/i;
const NOT_TEXTS = /\.(rs|js|ts|json|toml|html)$/i;

/** What a licence says when a package names it and brings no text. */
const STANDARD = {
  "Apache-2.0": readFileSync("LICENSE", "utf8"),
  MIT: `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`,
  "0BSD": `Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE.
`,
  Unlicense: `This is free and unencumbered software released into the public domain.

Anyone is free to copy, modify, publish, use, compile, sell, or distribute this software, either in source code form or
as a compiled binary, for any purpose, commercial or non-commercial, and by any means.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS BE
LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`,
};

/** The texts in a package's folder; a folder of them (`LICENSES/`) too. */
function texts(folder) {
  const found = [];
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (/^licenses?$/i.test(entry.name) && entry.isDirectory()) {
      const inner = join(folder, entry.name);
      for (const name of readdirSync(inner).sort()) found.push(readFileSync(join(inner, name), "utf8"));
    } else if (entry.isFile() && TEXTS.test(entry.name) && !NOT_TEXTS.test(entry.name)) {
      found.push(readFileSync(join(folder, entry.name), "utf8"));
    }
  }
  return found.map((text) => `${text.replaceAll("\r\n", "\n").trim()}\n`);
}

/** What is linked into the binary: normal dependencies, of those too, without the tools of the build and the tests. */
function rust() {
  const read = execFileSync(
    "cargo",
    ["metadata", "--format-version", "1", "--quiet", "--locked", "--filter-platform", TARGET],
    { encoding: "utf8", maxBuffer: 256 * 1024 * 1024 },
  );
  const { packages, resolve, workspace_members } = JSON.parse(read);
  const byId = new Map(packages.map((one) => [one.id, one]));
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const wanted = [packages.find((one) => one.name === OURS && workspace_members.includes(one.id)).id];
  const seen = new Set(wanted);
  for (const id of wanted) {
    for (const { pkg, dep_kinds } of nodes.get(id).deps) {
      if (!seen.has(pkg) && dep_kinds.some(({ kind }) => kind === null)) {
        seen.add(pkg);
        wanted.push(pkg);
      }
    }
  }
  return wanted
    .filter((id) => !workspace_members.includes(id))
    .map((id) => byId.get(id))
    .map((one) => ({
      name: `${one.name} ${one.version} (Rust)`,
      licence: one.license ?? "",
      whose: one.authors.join(", "),
      where: one.repository ?? one.homepage ?? "",
      folder: dirname(one.manifest_path),
    }));
}

/** What may be in the client: every package that is not only a tool of the build. */
function npm() {
  const { packages } = JSON.parse(readFileSync(join(WEB, "package-lock.json"), "utf8"));
  return Object.entries(packages)
    .filter(([place, one]) => place !== "" && !one.dev && !one.link)
    .filter(([place, one]) => !one.optional || existsSync(join(WEB, place)))
    .map(([place, one]) => {
      const told = JSON.parse(readFileSync(join(WEB, place, "package.json"), "utf8"));
      const author = typeof told.author === "object" ? told.author.name : told.author;
      const repository = typeof told.repository === "object" ? told.repository.url : told.repository;
      return {
        name: `${place.replace(/^.*node_modules\//, "")} ${one.version} (npm)`,
        licence: one.license ?? "",
        whose: author ?? "",
        where: repository ?? told.homepage ?? "",
        folder: join(WEB, place),
      };
    });
}

/** The library that is part of every Rust program; its texts come with the compiler, where they come at all. */
function standard() {
  const version = execFileSync("rustc", ["--version"], { encoding: "utf8" }).trim().split(" ")[1];
  return {
    name: `the Rust standard library ${version} (Rust)`,
    licence: "MIT OR Apache-2.0",
    whose: "The Rust Project Developers",
    where: "https://github.com/rust-lang/rust",
    folder: undefined,
  };
}

const packages = [...rust(), ...npm(), standard()].sort((a, b) => (a.name < b.name ? -1 : 1));
if (process.argv[2] === "--names") {
  for (const one of packages) console.log(one.name);
  process.exit(0);
}

/** Text → the names of those who come with it, so that a text stands here once. */
const shared = new Map();
const without = [];
for (const one of packages) {
  const own = one.folder === undefined ? [] : texts(one.folder);
  if (own.length === 0) {
    own.push(...Object.keys(STANDARD).filter((id) => one.licence.includes(id)).map((id) => STANDARD[id]));
  }
  if (own.length === 0) without.push(`${one.name}: ${one.licence}`);
  for (const text of own) shared.set(text, [...(shared.get(text) ?? []), one.name]);
}
if (without.length > 0) {
  console.error(`no text of a licence is known for\n  ${without.join("\n  ")}`);
  process.exit(1);
}

const out = [
  "Chaoke contains the packages below. Where a package may be used under one of several licences, any of them is",
  "meant that permits this. Behind the list stand the texts that they come with.",
  "",
];
for (const one of packages) {
  const more = [one.licence, one.whose, one.where].filter((part) => part !== "");
  out.push(`${one.name}: ${more.join("; ")}`);
}
for (const [text, names] of shared) {
  out.push("", "=".repeat(100), ...names, "-".repeat(100), "", text.trimEnd());
}
console.log(out.join("\n"));
