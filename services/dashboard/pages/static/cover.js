// On a screen that two people share: covers the page when nobody has touched it for long. One press brings it back.
// That nothing covers it is said until this runs.
(() => {
  const cover = document.querySelector("[data-cover]");
  const under = document.querySelectorAll("body > :is(.skip, header, main, footer)");
  let timer = null;

  const tell = (isCovered) => {
    cover.hidden = !isCovered;
    for (const one of under) one.inert = isCovered;
    document.dispatchEvent(new CustomEvent("covered", { detail: isCovered }));
  };
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      tell(true);
      cover.focus();
    }, 1000 * Number(cover.dataset.afterS));
  };
  const touched = () => {
    if (cover.hidden) wait();
  };

  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchmove"])
    window.addEventListener(kind, touched, { passive: true });
  cover.addEventListener("click", () => {
    tell(false);
    wait();
  });
  document.querySelector("[data-uncovered]").hidden = true;
  wait();
})();
