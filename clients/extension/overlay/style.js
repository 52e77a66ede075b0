/** How the captions look. Everything is important and inside of a shadow root: no page can change it. */
globalThis.captionStyle = `
  :host {
    all: initial !important;
    position: fixed !important;
    inset: auto !important;
    display: block !important;
    margin: 0 !important;
    padding: 0 !important;
    border: 0 !important;
    overflow: visible !important;
    background: transparent !important;
    z-index: 2147483647 !important;
    color-scheme: light dark !important;
    --back: #ffffff; --text: #111111; --muted: #4a4a4a; --line: #767676; --focus: #0b57d0; --alert: #8c1d18; --dot: #b3261e;
  }
  @media (prefers-color-scheme: dark) {
    :host { --back: #121212; --text: #ffffff; --muted: #c8c8c8; --line: #8a8a8a; --focus: #a8c7fa; --alert: #ffb4ab; --dot: #ff6b60; }
  }
  * { box-sizing: border-box; }
  section {
    display: flex; flex-direction: column; width: 100%; height: 100%; overflow: hidden; container-type: inline-size;
    color: var(--text); background: var(--back); border: 1px solid var(--line); border-radius: 10px;
    font-family: system-ui, sans-serif; font-size: 14px; line-height: 1.4; text-align: start;
    box-shadow: 0 2px 12px #00000059;
  }
  header { display: flex; align-items: center; gap: 4px; padding: 2px 4px; padding-inline-start: 10px; flex: none; }
  .dot { flex: none; width: 8px; height: 8px; border-radius: 50%; background: var(--line); }
  section[data-state="live"] .dot { background: var(--dot); }
  section[data-state="reconnecting"] .dot, section[data-state="starting"] .dot { background: var(--dot); animation: pulse 1.2s ease-in-out infinite alternate; }
  @keyframes pulse { to { opacity: 0.2; } }
  @media (prefers-reduced-motion: reduce) { .dot { animation: none !important; } }
  .status { flex: 1; min-width: 0; margin: 0 6px; color: var(--muted); overflow: hidden; text-overflow: ellipsis; max-height: 2.8em; }
  .status.alert { color: var(--alert); font-weight: 600; }
  /* Narrow: what must be acted on has a line of its own, everything else is cut off. */
  @container (max-width: 440px) {
    header:has(.alert) { flex-wrap: wrap; row-gap: 0; padding-block: 0; }
    .status.alert { order: -1; flex: 1 1 calc(100% - 30px); margin: 4px 6px 0; max-height: 3.75em; font-size: 12.5px; line-height: 1.25; }
    .dot { order: -2; }
    .status.alert ~ .move { margin-inline-start: auto; }
    .status:not(.alert) { white-space: nowrap; }
  }
  button {
    flex: none; min-width: 28px; height: 28px; padding: 0 4px; border: 1px solid transparent; border-radius: 6px;
    color: inherit; background: transparent; font: inherit; font-weight: 600; cursor: pointer;
  }
  button::before { content: attr(data-sign) / ""; }
  button:hover { border-color: var(--line); }
  button:focus-visible, .words:focus-visible { outline: 2px solid var(--focus); outline-offset: -2px; }
  button.move { cursor: move; touch-action: none; }
  button.size { cursor: nwse-resize; touch-action: none; }
  .words { flex: 1; min-height: 0; overflow-y: auto; overscroll-behavior: contain; overflow-anchor: none; padding: 0 12px 8px; font-size: var(--size, 22px); }
  .words p { margin: 0 0 0.15em; overflow-wrap: anywhere; unicode-bidi: plaintext; }
  .words .speaker { font-weight: 700; }
  .words .partial { color: var(--muted); }
  .words .gap { color: var(--alert); font-size: 0.75em; }
  .words p:empty { display: none; }
  @media (forced-colors: active) { section, button { border-color: CanvasText; } .dot { forced-color-adjust: none; } }
`;
