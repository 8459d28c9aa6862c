// Buttons that print the page, from which a browser makes a PDF. Without it the page says how to print.
"use strict";
for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
