// Runs before the first paint so that a dark page never flashes white. A file of its own: the content
// security policy allows no inline script.
(function () {
  var choice = 'auto';
  try {
    choice = localStorage.getItem('chaoke.scheme') || 'auto';
  } catch {
    // No storage: follow the system.
  }
  var dark = choice === 'dark' || (choice === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
