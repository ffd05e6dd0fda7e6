// Fails when something we ship stands under a licence outside the list below: every Rust package of the
// build, and every npm package that is not only a tool of the build.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

// Permissive licences, and MPL-2.0, whose duty ends at its own files.
const ALLOWED = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BSL-1.0",
  "CC0-1.0",
  "CDLA-Permissive-2.0",
  "ISC",
  "MIT",
  "MIT-0",
  "MPL-2.0",
  "Unicode-3.0",
  "Unlicense",
  "Zlib",
]);
// Exceptions to a licence give more rights, never fewer.
const EXCEPTIONS = new Set(["LLVM-exception"]);

/** Whether an SPDX expression can be met with allowed licences. "MIT/Apache-2.0" is an old way to write OR. */
function allowed(expression) {
  const tokens = expression.replaceAll("/", " OR ").match(/\(|\)|[^\s()]+/g) ?? [];
  let at = 0;
  const either = () => {
    let good = both();
    while (tokens[at] === "OR") {
      at += 1;
      good = both() || good;
    }
    return good;
  };
  const both = () => {
    let good = one();
    while (tokens[at] === "AND") {
      at += 1;
      good = one() && good;
    }
    return good;
  };
  const one = () => {
    const token = tokens[at++];
    if (token === "(") {
      const good = either();
      at += 1;
      return good;
    }
    let good = ALLOWED.has(token);
    if (tokens[at] === "WITH") {
      good = good && EXCEPTIONS.has(tokens[at + 1]);
      at += 2;
    }
    return good;
  };
  const good = tokens.length > 0 && either();
  return good && at === tokens.length;
}

function rustPackages() {
  const metadata = JSON.parse(
    execFileSync("cargo", ["metadata", "--format-version", "1", "--quiet"], {
      encoding: "utf8",
      maxBuffer: 256 * 1024 * 1024,
    }),
  );
  const ours = new Set(metadata.workspace_members);
  return metadata.packages
    .filter((one) => !ours.has(one.id))
    .map((one) => ({ name: `${one.name} ${one.version} (Rust)`, licence: one.license ?? "" }));
}

function npmPackages() {
  const path = "gateway/web/package-lock.json";
  if (!existsSync(path)) return [];
  const { packages } = JSON.parse(readFileSync(path, "utf8"));
  return Object.entries(packages)
    .filter(([place, one]) => place !== "" && !one.dev && !one.devOptional && !one.link)
    .map(([place, one]) => ({
      name: `${place.replace(/^.*node_modules\//, "")} ${one.version} (npm)`,
      licence: typeof one.license === "string" ? one.license : "",
    }));
}

const rust = rustPackages();
const npm = npmPackages();
const refused = [...rust, ...npm].filter((one) => !allowed(one.licence));
for (const one of refused) {
  console.error(`${one.name}: ${one.licence || "states no licence"} is not on the list in scripts/licences.mjs`);
}
console.log(`licences: ${rust.length} Rust and ${npm.length} npm packages looked at, ${refused.length} refused`);
process.exit(refused.length === 0 ? 0 : 1);
