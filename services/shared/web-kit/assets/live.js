// Keeps a page as it is now: told that something changed, it fetches the page and puts each [data-part] of it in the
// place of the old one. Where it cannot, the link that the page came with stays: it loads the page again.
"use strict";
const TRIES = 6;
const CONTROLS = "a[href], button, input, select, textarea, summary, [tabindex]";

/** What has the focus in a part, so that the same has it afterwards. */
const marked = (part) => {
  const focus = document.activeElement;
  if (!part.contains(focus)) return null;
  return {link: focus.getAttribute("href"), place: [...part.querySelectorAll(CONTROLS)].indexOf(focus)};
};

const focusAgain = (part, mark) => {
  const controls = [...part.querySelectorAll(CONTROLS)];
  const same = mark.link && controls.find((control) => control.getAttribute("href") === mark.link);
  (same || controls[mark.place] || controls.at(-1))?.focus({preventScroll: true});
};

/** Rows that say something else than before; the stylesheet shows them for a moment, where motion is welcome. */
const markFresh = (part, before) => {
  for (const row of part.querySelectorAll("tbody tr")) {
    if (!before.has(row.textContent)) row.classList.add("fresh");
  }
};

const replace = (old, fresh) => {
  if (old.innerHTML === fresh.innerHTML) return false;
  const mark = marked(old);
  const rows = new Set([...old.querySelectorAll("tbody tr")].map((row) => row.textContent));
  const scrolled = [...old.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
  const open = [...old.querySelectorAll("details")].map((details) => details.open);
  old.replaceChildren(...fresh.childNodes);
  old.querySelectorAll(".scroll").forEach((box, at) => { box.scrollLeft = scrolled[at] ?? 0; });
  old.querySelectorAll("details").forEach((details, at) => { details.open = open[at] ?? details.open; });
  if (rows.size > 0) markFresh(old, rows);
  if (mark) focusAgain(old, mark);
  return true;
};

const parts = (root) => new Map([...root.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));

const follow = (live) => {
  const link = [...live.childNodes];
  const status = document.createElement("p");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  live.after(status);
  let [events, tries, timer] = [null, 0, 0];
  let [seen, wanted, isBusy, misses] = [live.dataset.seen, null, false, 0];

  const say = (text) => { if (status.textContent !== text) status.textContent = text; };

  const load = async () => {
    const answer = await fetch(location.href, {cache: "no-cache", headers: {accept: "text/html"}});
    if (!answer.ok || answer.redirected) throw new Error("the page is not there any more");
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [old, fresh] = [parts(document), parts(page)];
    let isChanged = false;
    for (const [name, part] of fresh) {
      if (old.has(name)) isChanged = replace(old.get(name), part) || isChanged;
    }
    const next = page.querySelector("[data-live]");
    seen = next?.dataset.seen ?? wanted;
    if (isChanged && next?.dataset.say) say(next.dataset.say);
    if (!next) finish();
  };

  const update = async () => {
    if (isBusy || wanted === seen) return;
    isBusy = true;
    const told = wanted;
    try {
      await load();
      if (tries <= TRIES) tries = 0;
    } catch { broken(); }
    isBusy = false;
    if (wanted !== told) return update();
    // The page may be a moment behind what was told, or ahead of it.
    misses = wanted === seen ? 0 : misses + 1;
    if (misses > 0 && misses < 3 && events) setTimeout(update, 2000);
  };

  // Without events of its own it looks from time to time.
  const lookAgain = () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      try { await load(); } catch { return giveUp(); }
      if (tries <= TRIES) lookAgain();
    }, 1000 * live.dataset.every);
  };

  const open = () => {
    if (live.dataset.every) {
      live.replaceChildren("This page follows what happens.");
      return lookAgain();
    }
    events = new EventSource(live.dataset.live);
    events.addEventListener("changed", (event) => {
      live.replaceChildren("This page follows what happens.");
      wanted = event.data;
      misses = 0;
      // Else it is once the page could be fetched.
      if (wanted === seen) tries = 0;
      update();
    });
    events.onerror = broken;
  };

  const close = () => {
    clearTimeout(timer);
    events?.close();
    events = null;
  };

  const broken = () => {
    close();
    tries += 1;
    if (tries > TRIES) return giveUp();
    timer = setTimeout(open, 1000 * 2 ** tries * (0.75 + Math.random() / 2));
  };

  const finish = () => {
    close();
    tries = TRIES + 1;
    live.replaceChildren("That was the last change. ", ...link);
    say("That was the last change.");
  };

  const giveUp = () => {
    close();
    tries = TRIES + 1;
    live.replaceChildren(...link);
    live.classList.add("notice");
    say("This page follows no more: load it again.");
  };

  // A page that nobody looks at needs no connection, of which a browser has few.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else if (!events && tries <= TRIES) open();
  });
  if (!document.hidden) open();
};

document.querySelectorAll("[data-live]").forEach(follow);
