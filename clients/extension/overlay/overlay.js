/**
 * The captions in the captured tab: a content script. It keeps nothing: each OVERLAY_VIEW has all that it draws.
 * The page can neither style nor read it (closed shadow root), and it is above everything, also a full screen.
 */
(() => {
  const HOST = "live-transcription-captions";
  const { captionSizes, defaultCaptionSize } = globalThis;
  const SIZES = Object.keys(captionSizes);
  const STEP_PX = 24;
  const FAREWELL_MS = 8_000;
  const NEAR_THE_END_PX = 48;
  /** What shows none of its children. */
  const CHILDLESS = "video, audio, img, canvas, iframe, embed, object, input, textarea, select";
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const { toRectangle, toPlacement, move, resize } = globalThis.captionPlacement;

  const text = (name, values = []) => chrome.i18n.getMessage(name, values.map(inWords));
  const inWords = (value) => {
    if (value.credits === undefined) return String(value);
    const locale = text("locale");
    const form = new Intl.PluralRules(locale).select(value.credits);
    return text(`credits_${form}`, [new Intl.NumberFormat(locale).format(value.credits)]);
  };
  /** After an update of the extension this script is an orphan: nothing answers it, and it must go. */
  const tell = async (message) => {
    try {
      return await chrome.runtime.sendMessage(message);
    } catch {
      return undefined;
    }
  };

  class Overlay {
    #host = document.createElement(HOST);
    #shadow = this.#host.attachShadow({ mode: "closed" });
    #place = new CSSStyleSheet();
    #parts = {};
    #placement;
    #rectangle;
    #size = defaultCaptionSize;
    #isDragged = false;
    /** Whether the newest words are to be seen: until the user scrolls back. */
    #isAtEnd = true;
    #modal;
    #farewell;

    constructor() {
      const style = new CSSStyleSheet();
      style.replaceSync(globalThis.captionStyle);
      this.#shadow.adoptedStyleSheets = [style, this.#place];
      this.#host.popover = "manual";
      this.#build();
      const again = () => this.#layOut();
      addEventListener("resize", again);
      addEventListener("pageshow", ({ persisted }) => persisted && void askForView()); // back from the history
      document.addEventListener("fullscreenchange", () => this.#host.isConnected && this.#raise());
      // The page's shortcuts must not act on keys that are meant for the captions.
      for (const event of ["keydown", "keyup", "keypress"]) this.#shadow.addEventListener(event, (key) => key.stopPropagation());
    }

    draw({ view, captionPosition, captionSize }) {
      if (captionPosition !== undefined) this.#placement = captionPosition;
      if (SIZES.includes(captionSize)) this.#size = captionSize;
      if (!this.#host.isConnected) document.querySelectorAll(HOST).forEach((old) => old.remove()); // of an earlier version
      this.#layOut();
      this.#raise();
      this.#drawStatus(view);
      this.#drawWords(view);
      clearTimeout(this.#farewell);
      if (view.state === "ended" && view.ended === "stopped") this.#farewell = setTimeout(() => this.remove(), FAREWELL_MS);
    }

    remove() {
      this.#host.remove();
      this.#parts.log.replaceChildren();
    }

    #build() {
      const element = (name, attributes = {}, ...children) => {
        const node = document.createElement(name);
        for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
        node.append(...children);
        return node;
      };
      const button = (className, label, sign, act) => {
        const name = text(label);
        const node = element("button", { type: "button", class: className, dir: "ltr", "aria-label": name, title: name, "data-sign": sign });
        if (act) node.addEventListener("click", act);
        return node;
      };
      const status = element("p", { class: "status", role: "status" });
      // Final words are read aloud when a screen reader has time; words that still change are not.
      const log = element("div", { role: "log", "aria-live": "polite", "aria-relevant": "additions" });
      const partial = element("p", { class: "partial", dir: "auto" });
      const words = element("div", { class: "words", tabindex: "0", role: "group", "aria-label": text("overlay_label") }, log, partial);
      words.addEventListener("scroll", () => {
        this.#isAtEnd = words.scrollHeight - words.scrollTop - words.clientHeight < NEAR_THE_END_PX;
      });
      const mover = this.#handle(button("move", "overlay_move", "✥"), move);
      const sizer = this.#handle(button("size", "overlay_resize", "⤡"), resize);
      const smaller = button("smaller", "overlay_smaller", "A−", () => this.#changeSize(-1));
      const larger = button("larger", "overlay_larger", "A+", () => this.#changeSize(1));
      const hide = button("hide", "overlay_hide", "✕", () => this.#hide());
      const header = element("header", {}, element("span", { class: "dot", "aria-hidden": "true" }), status, mover, sizer, smaller, larger, hide);
      const section = element("section", { "aria-label": text("overlay_label"), lang: text("locale") }, header, words);
      section.dir = text("direction");
      this.#parts = { section, status, log, partial, words };
      this.#shadow.append(section);
    }

    /** A button that changes the rectangle, when it is dragged and by the arrow keys. */
    #handle(button, change) {
      button.addEventListener("pointerdown", (down) => {
        if (down.button !== 0) return;
        const from = this.#rectangle;
        button.setPointerCapture(down.pointerId);
        this.#isDragged = true;
        const drag = ({ clientX, clientY }) => this.#show(change(from, clientX - down.clientX, clientY - down.clientY, viewport()));
        button.addEventListener("pointermove", drag);
        button.addEventListener("lostpointercapture", () => {
          button.removeEventListener("pointermove", drag);
          this.#isDragged = false;
          this.#remember();
        }, { once: true });
      });
      button.addEventListener("keydown", (key) => {
        const arrow = ARROWS[key.key];
        if (!arrow) return;
        key.preventDefault();
        this.#show(change(this.#rectangle, arrow[0] * STEP_PX, arrow[1] * STEP_PX, viewport()));
        this.#remember();
      });
      return button;
    }

    #changeSize(steps) {
      const index = SIZES.indexOf(this.#size) + steps;
      this.#size = SIZES[Math.max(0, Math.min(index, SIZES.length - 1))];
      this.#layOut();
      void tell({ type: "OVERLAY_CHANGED", captionSize: this.#size });
    }

    #hide() {
      this.remove();
      void tell({ type: "OVERLAY_CHANGED", isVisible: false });
    }

    #remember() {
      this.#placement = toPlacement(this.#rectangle, viewport());
      void tell({ type: "OVERLAY_CHANGED", captionPosition: this.#placement });
    }

    #layOut() {
      if (!this.#isDragged) this.#show(toRectangle(this.#placement, viewport()));
    }

    #show(rectangle) {
      this.#rectangle = rectangle;
      const sides = Object.entries(rectangle).map(([name, value]) => `${name}: ${value}px !important;`);
      this.#place.replaceSync(`:host { ${sides.join(" ")} --size: ${captionSizes[this.#size].overlayPx}px; }`);
      this.#follow();
    }

    /** Shows the newest words again, which newer ones, larger text or a smaller box have moved. */
    #follow() {
      const { words } = this.#parts;
      if (this.#isAtEnd) words.scrollTop = words.scrollHeight;
    }

    /**
     * Above everything, also a full screen or a dialog that was opened after the captions: those make everything outside
     * of them inert, so the captions go into them. A page may also replace its whole content: then they come back.
     */
    #raise() {
      const modal = [...document.querySelectorAll(":modal")].at(-1);
      if (this.#host.isConnected && modal === this.#modal) return;
      this.#modal = modal;
      const focused = this.#shadow.activeElement;
      const parent = modal && !modal.matches(CHILDLESS) ? modal : document.documentElement;
      if (this.#host.parentNode !== parent) parent.append(this.#host);
      if (this.#host.matches(":popover-open")) this.#host.hidePopover();
      this.#host.showPopover();
      focused?.focus();
    }

    #drawStatus(view) {
      const { name, values, isAlert } = globalThis.captionStatus.statusOf(view);
      const { section, status } = this.#parts;
      section.dataset.state = view.state;
      status.classList.toggle("alert", isAlert);
      const line = text(name, values) || text("overlay_ended_failed");
      if (status.textContent !== line) status.textContent = line; // the same line again would be read aloud again
    }

    #drawWords({ lines, partial }) {
      const { log } = this.#parts;
      const drawn = new Map([...log.children].map((node) => [node.dataset.key, node]));
      const nodes = lines.map((line) => {
        const node = drawn.get(line.key) ?? document.createElement("p");
        if (!drawn.delete(line.key) || line.seconds !== undefined) fill(node, line);
        return node;
      });
      drawn.forEach((node) => node.remove());
      // Only what is not in its place is moved: what moves is read aloud again.
      nodes.forEach((node, index) => log.children[index] === node || log.insertBefore(node, log.children[index] ?? null));
      fill(this.#parts.partial, { ...partial, className: "partial" });
      this.#follow();
    }
  }

  function fill(node, { key, text: caption = "", speaker, seconds, className = seconds === undefined ? "final" : "gap" }) {
    if (key !== undefined) node.dataset.key = key;
    node.className = className;
    node.dir = "auto";
    const words = seconds === undefined ? caption : text("overlay_gap", [seconds]);
    if (!speaker) return void (node.textContent === words || (node.textContent = words));
    const name = document.createElement("span");
    name.className = "speaker";
    name.textContent = `${speaker}: `;
    node.replaceChildren(name, words);
  }

  function viewport() {
    return { width: innerWidth, height: innerHeight };
  }

  const askForView = async () => {
    const answer = await tell({ type: "OVERLAY_READY" });
    if (answer?.value?.view) overlay.draw(answer.value);
  };

  const overlay = (globalThis.captionOverlay ??= new Overlay());
  if (!globalThis.captionListener) {
    globalThis.captionListener = (message, sender) => {
      if (sender.id !== chrome.runtime.id) return;
      if (message?.type === "OVERLAY_VIEW") overlay.draw(message);
      if (message?.type === "OVERLAY_REMOVE") overlay.remove();
    };
    chrome.runtime.onMessage.addListener(globalThis.captionListener);
  }
  void askForView();
})();
