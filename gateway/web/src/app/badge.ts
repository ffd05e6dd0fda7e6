/** As much as a badge holds. */
export function badgeText(count: number): string {
  return count > 99 ? '99+' : String(count);
}
