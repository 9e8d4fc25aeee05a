// Puts changes together: however many messages come, the page is drawn a few times a second at most.

const EVERY_MS = 250;

export class Refresher {
  /** `draw` gets the set of facts that changed since the last time. */
  constructor(draw) {
    this.draw = draw;
    this.facts = new Set();
    this.waiting = false;
    this.next = 0;
  }

  mark(facts) {
    for (const fact of facts) this.facts.add(fact);
    if (this.waiting || this.facts.size === 0) return;
    this.waiting = true;
    const wait = Math.max(0, this.next - performance.now());
    // a page that nobody sees gets no animation frame: its facts wait in the set, and it draws nothing
    setTimeout(() => requestAnimationFrame(() => this.flush()), wait);
  }

  flush() {
    const facts = this.facts;
    this.facts = new Set();
    this.waiting = false;
    const begun = performance.now();
    this.draw(facts);
    const now = performance.now();
    // at most half of the time goes into drawing: the training on the same machine has better uses for it
    this.next = now + Math.max(EVERY_MS, now - begun);
  }
}
