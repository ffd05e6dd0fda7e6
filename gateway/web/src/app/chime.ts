// A soft sound for a message that comes while nobody looks. Made by the browser itself: there is no file.

import { Cell } from '../core/cell';
import type { Client } from '../core/client';
import { maySpeak } from './tabs';

const STORED = 'chaoke.sound';
/** Many messages in one moment are one sound. */
const EVERY_MS = 3_000;
const LENGTH_S = 0.35;
const LOUDNESS = 0.06;
const NOTES_HZ = [660, 880];

export const sound = new Cell(stored());

export function chooseSound(on: boolean): void {
  try {
    localStorage.setItem(STORED, on ? 'on' : 'off');
  } catch {
    // Lives as long as the page.
  }
  sound.set(on);
}

/** Another tab of this browser chose: whichever of them sounds must know. */
export function heardSound(key: string | null): void {
  if (key === STORED) sound.set(stored());
}

/** Sounds whenever the number of unread messages grows and nobody looks. */
export function watchUnread(client: Client): void {
  let before = 0;
  let lastAt = 0;
  client.conversations.view.subscribe(() => {
    const { phase, unreadTotal } = client.conversations.view.get();
    const grew = phase === 'ready' && unreadTotal > before;
    before = unreadTotal;
    const now = client.clock.now();
    if (!grew || !sound.get() || now - lastAt < EVERY_MS) return;
    void maySpeak().then((may) => {
      // Finding out took a moment, in which another message may have sounded.
      if (!may || now - lastAt < EVERY_MS) return;
      lastAt = now;
      void play();
    });
  });
}

let context: AudioContext | undefined;

async function play(): Promise<void> {
  try {
    context ??= new AudioContext();
    await context.resume();
    for (const [index, hertz] of NOTES_HZ.entries()) tone(context, hertz, context.currentTime + index * (LENGTH_S / 3));
  } catch {
    // The browser allows no sound before the first click.
  }
}

function tone(audio: AudioContext, hertz: number, at: number): void {
  const wave = audio.createOscillator();
  const volume = audio.createGain();
  wave.frequency.value = hertz;
  volume.gain.setValueAtTime(LOUDNESS, at);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + LENGTH_S);
  wave.connect(volume).connect(audio.destination);
  wave.start(at);
  wave.stop(at + LENGTH_S);
}

function stored(): boolean {
  try {
    return localStorage.getItem(STORED) !== 'off';
  } catch {
    return true;
  }
}
