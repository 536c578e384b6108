// Says how long the page was looked at, in milliseconds of being visible, and which panels were on the screen.
// Nothing on the page depends on it.
(() => {
  const url = document.body.dataset.beacon;
  const print = document.querySelector("[data-print]");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
  if (!url || !navigator.sendBeacon) return;

  const panels = new Set();
  let since = document.visibilityState === "visible" ? performance.now() : null;
  let seen = 0;

  if ("IntersectionObserver" in window) {
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) panels.add(entry.target.dataset.panel);
    }, { threshold: 0.5 });
    for (const panel of document.querySelectorAll("[data-panel]")) observer.observe(panel);
  }

  const pause = () => {
    if (since === null) return;
    seen += performance.now() - since;
    since = null;
    navigator.sendBeacon(url, JSON.stringify({ duration_ms: Math.round(seen), panels: [...panels].sort() }));
  };

  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") pause();
    else if (since === null) since = performance.now();
  });
  window.addEventListener("pagehide", pause);
})();
