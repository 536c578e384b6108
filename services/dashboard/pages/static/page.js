// Says how long the page was looked at, in milliseconds of being visible, and which panels were seen: on the screen for
// over a second. Nothing on the page depends on it.
(() => {
  const SEEN_AFTER_MS = 1000;
  const SAY_EVERY_MS = 240000;
  const { beacon: url, view, sameWithin } = document.body.dataset;
  const print = document.querySelector("[data-print]");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
  window.addEventListener("beforeprint", () => {
    const printed = document.querySelector("[data-printed]");
    const { zone } = document.body.dataset;
    if (!printed || !zone) return;
    const { lang } = document.documentElement;
    const words = new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { dateStyle: "medium", timeStyle: "short", timeZone: zone });
    printed.querySelector("[data-now]").textContent = words.format(new Date());
    printed.hidden = false;
  });
  // Loaded anew, or with another span, it is the same look. That it was left is heard of only after the next page was
  // asked for, so that request says which one it was. Browsers of phones do not all say beforehand that they leave.
  const leave = () => {
    document.cookie = `samepage-just-left=${view}; path=${location.pathname}; max-age=${sameWithin}; secure; samesite=none; partitioned`;
  };
  if (view) for (const kind of ["beforeunload", "click"]) window.addEventListener(kind, leave);
  if (!url || !navigator.sendBeacon) return;

  // Time goes on from where the look was: as far as this tab knows it, or another that was closed had told.
  const kept = JSON.parse(sessionStorage.getItem("look") ?? "{}");
  const panels = new Set();
  let seen = Math.max(Number(document.body.dataset.seen), kept.url === url ? kept.seen : 0);
  let since = null;
  let isCovered = false;
  let isTouched = false;
  const onScreen = new Map();

  const watch = (panel) => {
    clearTimeout(onScreen.get(panel));
    const timer = since === null ? null : setTimeout(() => panels.add(panel.dataset.panel), SEEN_AFTER_MS);
    onScreen.set(panel, timer);
  };
  const say = () => {
    sessionStorage.setItem("look", JSON.stringify({ url, seen }));
    navigator.sendBeacon(url, JSON.stringify({ duration_ms: Math.round(seen), panels: [...panels].sort() }));
  };
  const begin = () => {
    if (since !== null || isCovered || document.prerendering || document.visibilityState !== "visible") return;
    since = performance.now();
    for (const panel of onScreen.keys()) watch(panel);
  };
  const pause = () => {
    if (since === null) return;
    seen += performance.now() - since;
    since = null;
    for (const panel of onScreen.keys()) watch(panel);
    say();
  };

  if ("IntersectionObserver" in window) {
    const observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting, intersectionRatio, intersectionRect } of entries) {
        const isShown = isIntersecting && (intersectionRatio >= 0.5 || intersectionRect.height >= innerHeight / 2);
        if (isShown && !onScreen.has(target)) watch(target);
        if (!isShown) {
          clearTimeout(onScreen.get(target));
          onScreen.delete(target);
        }
      }
    }, { threshold: [0, 0.1, 0.2, 0.3, 0.4, 0.5] });
    for (const panel of document.querySelectorAll("[data-panel]")) observer.observe(panel);
  }

  document.addEventListener("visibilitychange", () => (document.visibilityState === "hidden" ? pause() : begin()));
  document.addEventListener("prerenderingchange", begin);
  document.addEventListener("covered", (event) => {
    isCovered = event.detail;
    if (isCovered) pause();
    else begin();
  });
  window.addEventListener("pagehide", pause);
  window.addEventListener("pageshow", begin);
  // Who reads for long without leaving is heard of too, and stays signed in: only who does nothing is not there.
  for (const kind of ["pointerdown", "keydown", "wheel", "touchmove"])
    window.addEventListener(kind, () => (isTouched = true), { passive: true });
  setInterval(() => {
    if (since === null || !isTouched) return;
    isTouched = false;
    pause();
    begin();
  }, SAY_EVERY_MS);
  begin();
})();
