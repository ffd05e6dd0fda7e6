// Whether an Enter sends. With a Chinese input method Enter first takes over the letters being composed;
// only the Enter after that sends.

export interface EnterKey {
  key: string;
  keyCode: number;
  isComposing: boolean;
  shiftKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}

/** `keydown` while composing; Safari ends the composition first and then sends the key with code 229. */
const KEY_OF_INPUT_METHOD = 229;

export function sends(event: EnterKey): boolean {
  if (event.key !== 'Enter') return false;
  if (event.isComposing || event.keyCode === KEY_OF_INPUT_METHOD) return false;
  return !event.shiftKey && !event.altKey;
}
