// Foreign hosts that a file names: the client asks nobody but the server it came from.

/** Names of things, never asked for: XML namespaces and the addresses of explanations in error texts. */
const NAMES_ONLY = [
  /^https?:\/\/www\.w3\.org\//,
  /^https:\/\/react\.dev\/errors\//,
  /^https:\/\/(?:mantine\.dev|help\.mantine\.dev)\b/,
  /^(?:http|ws)s?:\/\/\$\{/,
  /^(?:http|ws)s?:\/\/$/,
];
const ADDRESS = /\b(?:http|ws)s?:\/\/[^\s"'`)<>\\]*/gi;
/** Without a scheme it is an address only where it stands alone: in quotes, or as `url(//…)`. */
const SCHEMELESS = /(?<=["'`(=]\s*)\/\/[a-z\d-]+(?:\.[a-z\d-]+)+[^\s"'`)<>\\]*/gi;

export function foreign(text: string): string[] {
  return [...(text.match(ADDRESS) ?? []).filter((address) => !NAMES_ONLY.some((name) => name.test(address))), ...(text.match(SCHEMELESS) ?? [])];
}
