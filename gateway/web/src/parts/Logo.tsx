// The sign of the house, as in `public/icon.svg` and `index.html`. Drawn and not loaded: a browser opens a page of its own
// for each picture of this kind.

export function Logo({ className }: { className?: string | undefined }) {
  return (
    <svg className={className} viewBox="0 0 64 64" aria-hidden="true">
      <rect width="64" height="64" rx="14" fill="var(--brand)" />
      <path
        fill="var(--on-brand)"
        d="M32 14c-11.6 0-21 7.6-21 17 0 5.4 3.1 10.2 7.9 13.3L17 51.6l8.7-4.3c2 .5 4.1.7 6.3.7 11.6 0 21-7.6 21-17s-9.4-17-21-17z"
      />
      <g fill="var(--brand)">
        <circle cx="23" cy="31" r="3" />
        <circle cx="32" cy="31" r="3" />
        <circle cx="41" cy="31" r="3" />
      </g>
    </svg>
  );
}
