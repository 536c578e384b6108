// Saves the answers of a part as they are given. What could not be sent is kept on this phone, part by part, and sent
// when there is a connection again: after a moment, when the phone is back online, and when any part is opened.
// The page works without this.
(() => {
  const { queue, saved, saving, queued, again, done } = document.body.dataset;
  const form = document.getElementById("survey");
  const status = document.querySelector("[data-status]");
  const mine = (key) => key.startsWith(`${queue}:`);
  const kept = () => Object.keys(localStorage).filter(mine);
  const quiet = 700;
  const retry = 4000;

  const say = (words, isWaiting) => {
    if (!status) return;
    status.textContent = words;
    status.classList.toggle("is-waiting", isWaiting);
  };
  const keep = (place, body) => {
    try {
      localStorage.setItem(`${queue}:${place}`, body);
    } catch {
      // A phone without room, or in private mode: the form itself still holds everything.
    }
  };
  const drop = (place, body) => {
    if (localStorage.getItem(`${queue}:${place}`) === body) localStorage.removeItem(`${queue}:${place}`);
  };
  const post = async (place, body) => {
    const answer = await fetch(place, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
      body: `${body}&go=save`,
    });
    if (answer.status >= 500) throw new Error("try again");
    return answer;
  };
  // One at a time, in the order of the parts: two answers to one question cannot overtake each other.
  let sending = Promise.resolve();
  const flush = () => {
    sending = sending.then(async () => {
      for (const key of kept()) {
        const place = key.slice(queue.length + 1);
        const body = localStorage.getItem(key);
        try {
          const answer = await post(place, body);
          if (answer.ok || answer.status === 404 || answer.status === 409 || answer.status === 422) drop(place, body);
        } catch {
          break;
        }
      }
      const waiting = kept().length;
      if (waiting) {
        say(`${queued} ${waiting}. ${again}`, true);
        setTimeout(flush, retry);
      } else if (form && form.dataset.touched) say(`✓ ${saved}`, false);
    });
    return sending;
  };

  if (!queue || !window.localStorage) return;
  if (done) {
    for (const key of kept()) localStorage.removeItem(key);
    return;
  }
  if (!form) return;
  const here = location.pathname;
  const fields = () => new URLSearchParams(new FormData(form)).toString();
  let timer;
  form.addEventListener("input", () => {
    form.dataset.touched = "true";
    keep(here, fields());
    say(saving, false);
    clearTimeout(timer);
    timer = setTimeout(flush, quiet);
  });
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    if (form.dataset.isSure) {
      localStorage.removeItem(`${queue}:${here}`);
      return;
    }
    event.preventDefault();
    const button = event.submitter;
    keep(here, fields());
    const leave = async () => {
      await flush();
      if (kept().length) {
        setTimeout(leave, retry);
        return;
      }
      form.dataset.isSure = "true";
      form.requestSubmit(button);
    };
    leave();
  });
  window.addEventListener("online", flush);
  if (kept().length) flush();
})();
