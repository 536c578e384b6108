// What is opened over the page gives way: Escape closes it, and so does the focus that goes on to what lies under it.
(() => {
  const isOver = (one) => getComputedStyle(one.lastElementChild).position === "absolute";
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

  document.addEventListener("keydown", ({ key, target }) => {
    const over = target.closest("details[open]");
    if (key !== "Escape" || over === null || !isOver(over)) return;
    over.open = false;
    over.firstElementChild.focus();
  });
  document.addEventListener("focusin", ({ target }) => {
    if (!target.closest("header, main")) return;
    for (const over of document.querySelectorAll("details[open]"))
      if (isOver(over) && !over.contains(target))
        over.open = !meet(over.lastElementChild.getBoundingClientRect(), target.getBoundingClientRect());
  });
})();
