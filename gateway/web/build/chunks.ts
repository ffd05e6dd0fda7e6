// Walks the scripts of a build from one to those it imports.

import type { Rollup } from 'vite';

/** Loaded apart, and part of the first load of a chat all the same. */
const BEHIND_THE_DOOR = '/src/app/Shell.tsx';

/** The scripts of a build by the names of their files. */
export function chunksOf(bundle: Rollup.OutputBundle): Map<string, Rollup.OutputChunk> {
  return new Map(Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file]] : [])));
}

export function behindTheDoor(chunk: Rollup.OutputChunk): boolean {
  return chunk.facadeModuleId?.endsWith(BEHIND_THE_DOOR) ?? false;
}

/** The names of those that `begins` picks and of all that they import, without dynamic imports. */
export function reached(chunks: Map<string, Rollup.OutputChunk>, begins: (chunk: Rollup.OutputChunk) => boolean): Set<string> {
  const names = new Set<string>();
  const take = (name: string) => {
    const chunk = chunks.get(name);
    if (!chunk || names.has(name)) return;
    names.add(name);
    chunk.imports.forEach(take);
  };
  for (const chunk of chunks.values()) if (begins(chunk)) take(chunk.fileName);
  return names;
}
