"""The addresses of the extension's pages, worker and offscreen document."""

from scripts.local.extension import EXTENSION_ORIGIN

PANEL, POPUP = f"{EXTENSION_ORIGIN}/panel/panel.html", f"{EXTENSION_ORIGIN}/popup/popup.html"
WORKER, RECORDER = f"{EXTENSION_ORIGIN}/background/worker.js", f"{EXTENSION_ORIGIN}/offscreen/"
