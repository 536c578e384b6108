// Lets the page of an import move by itself while its file is read: how far it is, and then what came of it. One is told
// of the end, not of every step, and keeps one's place. Whoever has no script looks again by the link.
(() => {
  const shortest = 1000;
  const longest = 10000;
  const running = () => document.querySelector("[data-running]");
  let wait = shortest;

  const put = (fresh) => {
    const [here, there] = [running(), fresh.querySelector("[data-running]")];
    if (there?.dataset.running === here.dataset.running) {
      here.replaceWith(document.importNode(there, true));
      return;
    }
    // What says how it ended is the place that was there before: only then is it read out.
    const [said, next] = [document.querySelector("[role=status]"), fresh.querySelector("[role=status]")];
    said.replaceChildren(...next.cloneNode(true).childNodes);
    said.parentNode.replaceChildren(...[...fresh.childNodes].map((one) => (one === next ? said : document.importNode(one, true))));
  };
  const look = async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      // Signed out, or the file was forgotten: the page itself says so.
      if (answer.redirected || !answer.ok) {
        if (answer.redirected || answer.status < 500) location.reload();
      } else {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        put(page.querySelector("main"));
      }
    } catch {
      // Without a connection it is as far as it says; it looks again.
    }
    wait = Math.min(longest, wait * 1.5);
    lookLater();
  };
  const lookLater = () => {
    if (!running()) return;
    if (document.hidden) document.addEventListener("visibilitychange", lookLater, { once: true });
    else setTimeout(look, wait);
  };
  lookLater();
})();
