// A state that is kept in the fragment of a page's address, and who is told of its changes.

/** How a state is a fragment. */
export interface Form<S> {
  /** A fragment as a state; what it does not say is as at first. */
  read(fragment: string): S;
  /** A state as a fragment, which has only what is not as at first. */
  written(state: S): string;
}

type Listener<S> = (state: S, before: S) => void;

/** The state of a page; who listens is told of every change. */
export class Kept<S extends object> {
  private current: S;
  private readonly listeners: Listener<S>[] = [];

  constructor(
    private readonly form: Form<S>,
    private readonly chosen: keyof S,
  ) {
    this.current = form.read(location.hash);
    addEventListener("hashchange", () => {
      this.become(form.read(location.hash));
    });
  }

  get state(): S {
    return this.current;
  }

  listen(listener: Listener<S>): void {
    this.listeners.push(listener);
  }

  /** Change something; what is chosen can be gone back from, unless it is a `step` only. */
  set(change: Partial<S>, step = false): void {
    const next = { ...this.current, ...change };
    const fragment = this.form.written(next);
    const address = fragment ? `#${fragment}` : location.href.split("#")[0];
    if (!step && this.chosen in change && change[this.chosen] !== this.current[this.chosen]) {
      history.pushState(null, "", address);
    } else {
      history.replaceState(null, "", address);
    }
    this.become(next);
  }

  private become(next: S): void {
    const before = this.current;
    this.current = next;
    for (const listener of this.listeners) listener(next, before);
  }
}
