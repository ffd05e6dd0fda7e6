// Runs before the first paint. A file of its own: the content security policy allows no inline script.
(function () {
  function kept(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      // No storage: as on a first visit.
      return null;
    }
  }

  // A dark page never flashes white.
  var choice = kept('chaoke.scheme') || 'auto';
  var dark = choice === 'dark' || (choice === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');

  // Where somebody signed in, what stands behind the door comes beside the first script and not after it.
  var inside = document.querySelector('meta[name="chaoke-inside"]');
  if (!inside || kept('chaoke.session') === null) return;
  inside.content.split(' ').forEach(function (file) {
    var link = document.createElement('link');
    link.rel = 'modulepreload';
    link.href = file;
    document.head.appendChild(link);
  });
})();
