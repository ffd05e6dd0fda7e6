// What one sees on each picture, looked at by a person: one line for each state and width.
import type { WidthName } from './state';

export const CRITIQUES: Record<string, Partial<Record<WidthName, string>>> = {};
