// Lets the log of a case run grow while it is written. Without it the page shows what there was when it was loaded.
"use strict";
for (const log of document.querySelectorAll("pre[data-events]")) {
  const events = new EventSource(log.dataset.events);
  // The first event brings the log from its start, in the place of what the page came with.
  let isFresh = true;
  events.addEventListener("log", (event) => {
    if (isFresh) log.textContent = "";
    isFresh = false;
    const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    log.append(JSON.parse(event.data));
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  });
  events.addEventListener("restart", () => {
    log.textContent = "";
  });
  events.addEventListener("end", () => {
    events.close();
    location.reload();
  });
}
