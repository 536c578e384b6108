// Keeps each answer on this phone as it is given, question by question, until the server has it. It is sent after a
// moment, when the phone is back online, and when any part is opened; on its own part it stands in its place again. Each
// says when it was given, by the server's clock: what was given later, here or elsewhere, stays.
// The page works without this.
(() => {
  const { queue, part, saved, saving, queued, again, done } = document.body.dataset;
  const send = document.getElementById("send");
  const form = send ?? document.getElementById("survey");
  const status = document.querySelector("[data-status]");
  const quiet = 700;
  const retry = 4000;
  const longest = 60 * 24 * 3600 * 1000;

  const say = (words, isWaiting) => {
    if (!status) return;
    status.textContent = words;
    status.classList.toggle("is-waiting", isWaiting);
  };
  // Answers that are not sent yet, by key; in `spare` those for which the phone has no room.
  const spare = new Map();
  const mine = (key) => key.startsWith(`${queue}:`);
  const kept = () => [...new Set([...Object.keys(localStorage).filter(mine), ...spare.keys()])];
  const text = (key) => spare.get(key) ?? localStorage.getItem(key);
  const read = (written) => {
    try {
      return JSON.parse(written);
    } catch {
      return null;
    }
  };
  const held = (key) => read(text(key));
  const keep = (key, answer) => {
    // Another tab may have a newer one.
    if (held(key)?.at > answer.at) return;
    spare.delete(key);
    try {
      localStorage.setItem(key, JSON.stringify(answer));
    } catch {
      spare.set(key, JSON.stringify(answer));
    }
  };
  const drop = (key, sent) => {
    if (text(key) !== sent) return;
    spare.delete(key);
    localStorage.removeItem(key);
  };
  // Words of a survey to which nobody has come back do not stay on a phone for ever.
  const forget = () => {
    for (const key of Object.keys(localStorage).filter((one) => one.startsWith("samepage-")))
      if (!(held(key)?.at > Date.now() - longest)) localStorage.removeItem(key);
  };

  if (!queue || !window.localStorage) return;
  // The parts that answers are of which have not left this phone.
  const waitingParts = () => [...new Set(kept().map((key) => held(key)?.part))].join(", ");
  if (done) {
    const lost = document.querySelector("[data-lost]");
    const parts = waitingParts();
    if (parts) {
      lost.querySelector("b").textContent = parts;
      lost.hidden = false;
    }
    for (const key of kept()) localStorage.removeItem(key);
    return;
  }
  if (!form) return;
  const field = (name) => form.elements.namedItem(name);

  const post = async (place, body) => {
    const answer = await fetch(place, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
      body,
    });
    if (answer.status >= 500 || answer.status === 429) throw new Error("try again");
    return answer;
  };
  const save = async (place, answers) => {
    const visit = new URLSearchParams([["=", field("=").value]]);
    return (await post(place, [...answers, visit, "go=save"].join("&"))).status;
  };
  // A field that is wrong: the page itself says so next. Who is signed out may come back; of a survey that was sent
  // elsewhere the last page says what is not in it.
  const isOver = (came) => [404, 422].includes(came);
  const isClosed = (came) => [401, 403, 409].includes(came);
  let later;
  let closed = false;
  // One at a time: what was sent is not sent again while it is on its way.
  let sending = Promise.resolve();
  const flush = () => {
    clearTimeout(later);
    sending = sending.then(async () => {
      let isSaved = true;
      let isAway = false;
      closed = false;
      const answers = kept().map((key) => ({ key, written: text(key), ...held(key) }));
      for (const place of new Set(answers.map((one) => one.place))) {
        const ofPlace = answers.filter((one) => one.place === place);
        try {
          const came = await save(place, ofPlace.map((one) => one.fields));
          closed ||= isClosed(came);
          isSaved &&= came < 300;
          if (came < 300 || isOver(came)) for (const one of ofPlace) drop(one.key, one.written);
        } catch {
          isAway = true;
          break;
        }
      }
      const waiting = waitingParts();
      if (waiting && isAway) {
        say(`${queued} ${waiting}. ${again}`, true);
        clearTimeout(later);
        later = setTimeout(flush, retry);
      } else if (waiting && closed) say(`${queued} ${waiting}.`, true);
      else if (!waiting && form.dataset.touched) say(isSaved ? `✓ ${saved}` : "", false);
    });
    return sending;
  };

  let leaving;
  // A form that the browser sends while the connection drops leaves nothing but the browser's own words. The script asks
  // where the button leads until it hears it. What is wrong is said by the page itself; places come and go there too.
  const leave = async (button) => {
    clearTimeout(leaving);
    await flush();
    let to = null;
    let isAway = kept().length > 0 && !closed;
    if (!isAway && !/^(more|less):/.test(button?.value)) {
      const fields = new URLSearchParams(new FormData(form));
      if (button?.name) fields.append(button.name, button.value);
      try {
        to = (await post(form.action, fields.toString())).headers.get("location");
      } catch {
        isAway = true;
        say(again, true);
      }
    }
    if (isAway) leaving = setTimeout(leave, retry, button);
    else if (to) location.assign(to);
    else {
      form.dataset.isSure = "true";
      form.requestSubmit(button);
    }
  };
  // A page that comes back out of the browser's memory has not left yet.
  window.addEventListener("pageshow", () => delete form.dataset.isSure);

  forget();
  if (send) {
    // What this phone kept goes along: it is sent first, and the page shows it then.
    const button = send.querySelector(".btn-main");
    const first = async () => {
      if (!kept().length) return;
      button.disabled = true;
      await flush();
      if (kept().length && !closed) setTimeout(first, retry);
      else location.reload();
    };
    first();
    send.addEventListener("submit", (event) => {
      if (form.dataset.isSure) return;
      event.preventDefault();
      leave(event.submitter);
    });
    window.addEventListener("pageshow", ({ persisted }) => persisted && first());
    return;
  }
  const made = Number(field("!").value);
  const asked = performance.timeOrigin + performance.getEntriesByType("navigation")[0].requestStart;
  const now = () => Math.round(made + Date.now() - asked);
  const here = location.pathname;

  // A question, or groups that repeat as one, that have fields here.
  const isOutermost = (one) => !one.parentElement.closest("[data-question]");
  const questions = [...form.querySelectorAll("[data-question]")].filter(
    (one) => isOutermost(one) && one.querySelector("[name]"),
  );
  const keyOf = (question) => `${queue}:${question.dataset.question}`;
  const givenAt = (question) => field(`!${question.dataset.question}`);
  const keepOf = (question) => {
    const names = new Set([...question.querySelectorAll("[name]")].map((one) => one.name));
    const fields = new URLSearchParams([...new FormData(form)].filter(([name]) => names.has(name)));
    keep(keyOf(question), { place: here, part, at: Number(givenAt(question).value), fields: fields.toString() });
  };
  // Put what is kept into its fields; false where it has more of them than this page.
  const fill = (question, fields) => {
    const given = new URLSearchParams(fields);
    if (![...given.keys()].every(field)) return false;
    for (const one of question.querySelectorAll("input, textarea"))
      if (one.type === "radio" || one.type === "checkbox") one.checked = given.get(one.name) === one.value;
      else one.value = given.get(one.name) ?? "";
    for (const folded of question.querySelectorAll("details")) folded.open ||= folded.querySelector(":checked") !== null;
    const around = question.closest("details");
    if (around) around.open = true;
    return true;
  };
  const restore = async () => {
    let isWhole = true;
    for (const question of questions) {
      const key = keyOf(question);
      const answer = held(key);
      if (!answer) continue;
      if (answer.at < Number(question.dataset.at)) drop(key, text(key));
      else isWhole = fill(question, answer.fields) && isWhole;
    }
    if (!kept().length) return;
    form.dataset.touched = "true";
    await flush();
    // The server shows as many fields as it has answers.
    if (!isWhole && !kept().length) location.reload();
  };

  let timer;
  for (const question of questions) {
    const stamp = Object.assign(document.createElement("input"), { type: "hidden", value: made });
    stamp.name = `!${question.dataset.question}`;
    question.append(stamp);
  }
  restore();
  form.addEventListener("input", ({ target }) => {
    const question = questions.find((one) => one.contains(target));
    if (!question) return;
    form.dataset.touched = "true";
    givenAt(question).value = now();
    keepOf(question);
    say(saving, false);
    clearTimeout(timer);
    timer = setTimeout(flush, quiet);
  });
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    if (form.dataset.isSure) return;
    event.preventDefault();
    questions.forEach(keepOf);
    leave(event.submitter);
  });
  window.addEventListener("online", flush);
})();
